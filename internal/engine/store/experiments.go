package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Track writes how a run stands into an experiment, in place of how it stood
// before. Without an experiment, or with one that is gone, nothing is tracked.
func (tx *Tx) Track(ctx context.Context, experiment mlops.ID, run mlops.ExperimentRun) error {
	b, err := json.Marshal(run)
	if err != nil {
		return fmt.Errorf("track %s: %w", run.Run, err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO tracked_runs (experiment, run, accepted, record)
		SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM objects WHERE id = ? AND noun = ?)
		ON CONFLICT (experiment, run) DO UPDATE SET record = excluded.record`,
		experiment, run.Run, time.Now().UnixNano(), string(b), experiment, mlops.NounExperiment)
	return err
}

// EndTracked notes that a run was removed before it ended. One that had ended
// stays as it is.
func (tx *Tx) EndTracked(ctx context.Context, run mlops.ID) error {
	open, err := tx.openTracked(ctx, run)
	if err != nil {
		return err
	}
	for experiment, r := range open {
		r.State, r.FinishedAt = mlops.RunCancelled, time.Now().UTC()
		if err := tx.Track(ctx, experiment, r); err != nil {
			return err
		}
	}
	return nil
}

// openTracked returns how a run stands that has not ended, by experiment.
func (tx *Tx) openTracked(ctx context.Context, run mlops.ID) (open map[mlops.ID]mlops.ExperimentRun, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT experiment, record FROM tracked_runs WHERE run = ?", run)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	open = map[mlops.ID]mlops.ExperimentRun{}
	for rows.Next() {
		var experiment mlops.ID
		var r mlops.ExperimentRun
		if err := scanTracked(rows, &r, &experiment); err != nil {
			return nil, err
		}
		if !r.State.Ended() {
			open[experiment] = r
		}
	}
	return open, rows.Err()
}

// Tracked returns the newest runs of an experiment, newest first, and how many
// there are.
func (s *Store) Tracked(ctx context.Context, experiment mlops.ID, most int) (runs []mlops.ExperimentRun, total int64, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT count(*) FROM tracked_runs WHERE experiment = ?", experiment).Scan(&total)
	if err != nil {
		return nil, 0, err
	}
	rows, err := s.read.QueryContext(ctx, "SELECT record FROM tracked_runs WHERE experiment = ? ORDER BY accepted DESC, run LIMIT ?", experiment, most)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	runs = []mlops.ExperimentRun{}
	for rows.Next() {
		var r mlops.ExperimentRun
		if err := scanTracked(rows, &r); err != nil {
			return nil, 0, err
		}
		runs = append(runs, r)
	}
	return runs, total, rows.Err()
}

// scanTracked reads a row, the record of which is its last column.
func scanTracked(rows interface{ Scan(dest ...any) error }, r *mlops.ExperimentRun, before ...any) error {
	var text string
	if err := rows.Scan(append(before, &text)...); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), r); err != nil {
		return fmt.Errorf("read a tracked run: %w", err)
	}
	return nil
}
