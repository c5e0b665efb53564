package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// RunPlan is what a run was started with, frozen: later changes of its pipeline
// do not touch it.
type RunPlan struct {
	Pipeline   mlops.PipelineSpec `json:"pipeline"`
	Parameters map[string]string  `json:"parameters"` // with defaults filled in
	Directory  string             `json:"directory"`  // of the run's files
	// Datasets are those that steps read, by name, as they were when the run was
	// accepted.
	Datasets map[string]RunDataset `json:"datasets,omitempty"`
}

// RunDataset is a dataset that a run reads.
type RunDataset struct {
	ID      mlops.ID             `json:"id"`
	URI     string               `json:"uri"` // where the bytes are
	Version mlops.DatasetVersion `json:"version"`
}

// Step is how one step of an unfinished run stands, and the evidence of it.
type Step struct {
	mlops.StepRun
	mlops.StepLineage

	RetryAt time.Time          `json:"retry_at,omitzero"` // queued: not before
	Paths   map[string]string  `json:"paths"`             // output name to where it is
	Metrics map[string]float64 `json:"metrics"`           // read back from an output named metrics
}

// CachedStep tells which step did some work before, and what came out.
type CachedStep struct {
	Run     mlops.ID
	Step    string
	Outputs map[string]CachedOutput
}

// CachedOutput is one output of a cached step.
type CachedOutput struct {
	Path   string `json:"path"`
	Digest string `json:"digest"`
}

// OpenRun notes that there is work to do on a run. A nil plan says that it is
// to be removed; the plan it may have is kept.
func (tx *Tx) OpenRun(ctx context.Context, run mlops.ID, plan *RunPlan) error {
	text := ""
	if plan != nil {
		b, err := json.Marshal(plan)
		if err != nil {
			return fmt.Errorf("store the plan of %s: %w", run, err)
		}
		text = string(b)
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO open_runs (run, plan) VALUES (?, ?) ON CONFLICT (run) DO NOTHING", run, text)
	return err
}

// CloseRun forgets the plan and the steps of a run that has ended.
func (tx *Tx) CloseRun(ctx context.Context, run mlops.ID) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM open_runs WHERE run = ?", run)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM steps WHERE run = ?", run)
	return err
}

// ReadingRuns lists the datasets that unfinished runs of an environment read.
func (s *Store) ReadingRuns(ctx context.Context, environment mlops.ID) (out []RunDataset, err error) {
	low, high := below(environment)
	rows, err := s.read.QueryContext(ctx, "SELECT plan FROM open_runs WHERE run >= ? AND run < ? AND plan <> ''", low, high)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		var plan RunPlan
		if err := json.Unmarshal([]byte(text), &plan); err != nil {
			return nil, fmt.Errorf("read a run's plan: %w", err)
		}
		for _, d := range plan.Datasets {
			out = append(out, d)
		}
	}
	return out, rows.Err()
}

// OpenRuns lists the runs that there is work to do on.
func (s *Store) OpenRuns(ctx context.Context) (ids []mlops.ID, err error) {
	rows, err := s.read.QueryContext(ctx, "SELECT run FROM open_runs ORDER BY run")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id mlops.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Plan returns what an unfinished run was started with; NotFound if the run has
// ended.
func (s *Store) Plan(ctx context.Context, run mlops.ID) (RunPlan, error) {
	var text string
	err := s.read.QueryRowContext(ctx, "SELECT plan FROM open_runs WHERE run = ? AND plan <> ''", run).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return RunPlan{}, mlops.NewError(mlops.NotFound, fmt.Errorf("run %s has no plan: it has ended", run))
	}
	if err != nil {
		return RunPlan{}, err
	}
	var plan RunPlan
	if err := json.Unmarshal([]byte(text), &plan); err != nil {
		return RunPlan{}, fmt.Errorf("stored plan of %s: %w", run, err)
	}
	return plan, nil
}

// PutStep writes how a step of an unfinished run stands.
func (tx *Tx) PutStep(ctx context.Context, run mlops.ID, name string, step Step) error {
	b, err := json.Marshal(step)
	if err != nil {
		return fmt.Errorf("store step %q of %s: %w", name, run, err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO steps (run, name, record) VALUES (?, ?, ?)
		ON CONFLICT (run, name) DO UPDATE SET record = excluded.record`, run, name, string(b))
	return err
}

// Steps returns the steps of an unfinished run that have begun, by name.
func (s *Store) Steps(ctx context.Context, run mlops.ID) (steps map[string]Step, err error) {
	rows, err := s.read.QueryContext(ctx, "SELECT name, record FROM steps WHERE run = ?", run)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	steps = map[string]Step{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, err
		}
		var step Step
		if err := json.Unmarshal([]byte(text), &step); err != nil {
			return nil, fmt.Errorf("stored step %q of %s: %w", name, run, err)
		}
		steps[name] = step
	}
	return steps, rows.Err()
}

// PutCached remembers a step that did some work, in place of an earlier one.
// work is a digest of all that decides what comes out.
func (tx *Tx) PutCached(ctx context.Context, work string, step CachedStep) error {
	b, err := json.Marshal(step.Outputs)
	if err != nil {
		return fmt.Errorf("store the outputs of step %q of %s: %w", step.Step, step.Run, err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO step_cache (environment, work, run, step, outputs) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (environment, work) DO UPDATE SET run = excluded.run, step = excluded.step, outputs = excluded.outputs`,
		step.Run.Environment(), work, step.Run, step.Step, string(b))
	return err
}

// Cached finds the step of an environment that did some work; NotFound if none
// is remembered.
func (s *Store) Cached(ctx context.Context, environment mlops.ID, work string) (CachedStep, error) {
	var step CachedStep
	var text string
	err := s.read.QueryRowContext(ctx, "SELECT run, step, outputs FROM step_cache WHERE environment = ? AND work = ?", environment, work).
		Scan(&step.Run, &step.Step, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return CachedStep{}, mlops.NewError(mlops.NotFound, fmt.Errorf("no step of %s did this work before", environment))
	}
	if err != nil {
		return CachedStep{}, err
	}
	if err := json.Unmarshal([]byte(text), &step.Outputs); err != nil {
		return CachedStep{}, fmt.Errorf("stored outputs of step %q of %s: %w", step.Step, step.Run, err)
	}
	return step, nil
}

// Followed is up to when a pipeline's schedule has been followed.
type Followed struct {
	Schedule string // digest of the schedule: another one starts afresh
	Until    time.Time
}

// Followed returns how far each pipeline's schedule has been followed.
func (s *Store) Followed(ctx context.Context) (all map[mlops.ID]Followed, err error) {
	rows, err := s.read.QueryContext(ctx, "SELECT pipeline, schedule, until FROM schedules")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	all = map[mlops.ID]Followed{}
	for rows.Next() {
		var id mlops.ID
		var f Followed
		var until int64
		if err := rows.Scan(&id, &f.Schedule, &until); err != nil {
			return nil, err
		}
		f.Until = time.Unix(0, until).UTC()
		all[id] = f
	}
	return all, rows.Err()
}

// Follow notes up to when a pipeline's schedule has been followed. A pipeline
// that is gone is NotFound.
func (tx *Tx) Follow(ctx context.Context, pipeline mlops.ID, f Followed) error {
	there, err := tx.Exists(ctx, pipeline)
	if err != nil {
		return err
	}
	if !there {
		return mlops.NewError(mlops.NotFound, fmt.Errorf("there is no pipeline %s", pipeline))
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO schedules (pipeline, schedule, until) VALUES (?, ?, ?)
		ON CONFLICT (pipeline) DO UPDATE SET schedule = excluded.schedule, until = excluded.until`,
		pipeline, f.Schedule, f.Until.UnixNano())
	return err
}

// Unfollow forgets how far a pipeline's schedule was followed: when it is
// enabled again it starts afresh.
func (tx *Tx) Unfollow(ctx context.Context, pipeline mlops.ID) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM schedules WHERE pipeline = ?", pipeline)
	return err
}
