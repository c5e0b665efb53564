package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Table is the objects of one noun.
type Table[S, T any] struct {
	store *Store
	noun  mlops.Noun
}

// Environments is the table of environments.
func (s *Store) Environments() Table[mlops.EnvironmentSpec, mlops.EnvironmentStatus] {
	return Table[mlops.EnvironmentSpec, mlops.EnvironmentStatus]{s, mlops.NounEnvironment}
}

// Pipelines is the table of pipelines.
func (s *Store) Pipelines() Table[mlops.PipelineSpec, mlops.PipelineStatus] {
	return Table[mlops.PipelineSpec, mlops.PipelineStatus]{s, mlops.NounPipeline}
}

// Runs is the table of pipeline runs.
func (s *Store) Runs() Table[mlops.PipelineRunSpec, mlops.PipelineRunStatus] {
	return Table[mlops.PipelineRunSpec, mlops.PipelineRunStatus]{s, mlops.NounPipelineRun}
}

// Models is the table of models.
func (s *Store) Models() Table[mlops.ModelSpec, mlops.ModelStatus] {
	return Table[mlops.ModelSpec, mlops.ModelStatus]{s, mlops.NounModel}
}

// Versions is the table of model versions.
func (s *Store) Versions() Table[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	return Table[mlops.ModelVersionSpec, mlops.ModelVersionStatus]{s, mlops.NounModelVersion}
}

// Endpoints is the table of model endpoints.
func (s *Store) Endpoints() Table[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus] {
	return Table[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{s, mlops.NounModelEndpoint}
}

// Experiments is the table of experiments.
func (s *Store) Experiments() Table[mlops.ExperimentSpec, mlops.ExperimentStatus] {
	return Table[mlops.ExperimentSpec, mlops.ExperimentStatus]{s, mlops.NounExperiment}
}

// Datasets is the table of datasets.
func (s *Store) Datasets() Table[mlops.DatasetSpec, mlops.DatasetStatus] {
	return Table[mlops.DatasetSpec, mlops.DatasetStatus]{s, mlops.NounDataset}
}

// Monitors is the table of monitors.
func (s *Store) Monitors() Table[mlops.MonitorSpec, mlops.MonitorStatus] {
	return Table[mlops.MonitorSpec, mlops.MonitorStatus]{s, mlops.NounMonitor}
}

// querier is what *sql.DB and *Tx have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Get returns one record; NotFound if there is none.
func (t Table[S, T]) Get(ctx context.Context, id mlops.ID) (Record[S, T], error) {
	return t.get(ctx, t.store.read, id)
}

// GetTx is Get inside a write transaction.
func (t Table[S, T]) GetTx(ctx context.Context, tx *Tx, id mlops.ID) (Record[S, T], error) {
	return t.get(ctx, tx, id)
}

func (t Table[S, T]) get(ctx context.Context, q querier, id mlops.ID) (Record[S, T], error) {
	var w row
	err := q.QueryRowContext(ctx, "SELECT "+columns+" FROM objects WHERE id = ? AND noun = ?", id, t.noun).Scan(w.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		return Record[S, T]{}, mlops.NewError(mlops.NotFound, fmt.Errorf("there is no %s %s", t.noun, id))
	}
	if err != nil {
		return Record[S, T]{}, err
	}
	return fromRow[S, T](w)
}

// List returns the records of this noun below an ID (the empty ID is above
// everything), oldest first.
func (t Table[S, T]) List(ctx context.Context, under mlops.ID) ([]Record[S, T], error) {
	return t.list(ctx, t.store.read, under)
}

// ListTx is List inside a write transaction.
func (t Table[S, T]) ListTx(ctx context.Context, tx *Tx, under mlops.ID) ([]Record[S, T], error) {
	return t.list(ctx, tx, under)
}

func (t Table[S, T]) list(ctx context.Context, q querier, under mlops.ID) (out []Record[S, T], err error) {
	low, high := "", "\U0010FFFF"
	if under != "" {
		low, high = below(under)
	}
	rows, err := q.QueryContext(ctx, "SELECT "+columns+" FROM objects WHERE noun = ? AND id >= ? AND id < ? ORDER BY created, id", t.noun, low, high)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var w row
		if err := rows.Scan(w.fields()...); err != nil {
			return nil, err
		}
		r, err := fromRow[S, T](w)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// below returns the half-open range of the IDs that start with id and a slash;
// '0' is the character after the slash.
func below(id mlops.ID) (low, high string) { return string(id) + "/", string(id) + "0" }

// Accept takes a spec for an object, in one transaction: a new object is
// pending with the spec wanted. An existing one of the same owner, or of none,
// has the spec wanted from now on, unless it is in force or wanted already,
// which leaves it alone. Another owner's is AlreadyExists. guard, which may be
// nil, can refuse; its old is nil for a new object.
func (t Table[S, T]) Accept(ctx context.Context, id mlops.ID, owner string, spec S, guard func(tx *Tx, old *Record[S, T]) error) (Record[S, T], error) {
	var out Record[S, T]
	err := t.store.Write(ctx, func(tx *Tx) error {
		old, err := t.get(ctx, tx, id)
		if mlops.CodeOf(err) == mlops.NotFound {
			out, err = t.accept(ctx, tx, Record[S, T]{ID: id, Created: time.Now()}, nil, owner, spec, guard)
			return err
		}
		if err != nil {
			return err
		}
		if old.Owner != "" && owner != old.Owner {
			return mlops.NewError(mlops.AlreadyExists, fmt.Errorf("%s %s already exists and belongs to another configuration", t.noun, id))
		}
		out, err = t.accept(ctx, tx, old, &old, owner, spec, guard)
		return err
	})
	return out, err
}

// Revise is Accept for an object that exists, else it is NotFound. It becomes
// the acting owner's, whoever had it: who changes an object by its ID has
// imported it.
func (t Table[S, T]) Revise(ctx context.Context, id mlops.ID, owner string, spec S, guard func(tx *Tx, old *Record[S, T]) error) (Record[S, T], error) {
	var out Record[S, T]
	err := t.store.Write(ctx, func(tx *Tx) error {
		old, err := t.get(ctx, tx, id)
		if err != nil {
			return err
		}
		out, err = t.accept(ctx, tx, old, &old, owner, spec, guard)
		return err
	})
	return out, err
}

// accept writes a record with a spec wanted and another owner. old is nil for a
// new one.
func (t Table[S, T]) accept(ctx context.Context, tx *Tx, r Record[S, T], old *Record[S, T], owner string, spec S, guard func(tx *Tx, old *Record[S, T]) error) (Record[S, T], error) {
	if guard != nil {
		if err := guard(tx, old); err != nil {
			return Record[S, T]{}, err
		}
	}
	r.Owner = owner
	r.want(spec)
	return r, t.put(ctx, tx, &r)
}

// want notes a spec as wanted, unless it is in force or wanted already.
func (r *Record[S, T]) want(spec S) {
	revision := mlops.DigestOf(spec)
	settled := r.Wanted == nil && r.Revision == revision && r.Phase == mlops.PhaseReady
	underway := r.WantedRevision == revision && r.Phase == mlops.PhasePending
	if settled || underway {
		return
	}
	r.Wanted, r.WantedRevision = &spec, revision
	r.Phase, r.Reason = mlops.PhasePending, ""
}

// Change reads a record, lets f change it, and writes it, in one transaction.
// It is NotFound if there is none.
func (t Table[S, T]) Change(ctx context.Context, id mlops.ID, f func(tx *Tx, r *Record[S, T]) error) (Record[S, T], error) {
	var out Record[S, T]
	err := t.store.Write(ctx, func(tx *Tx) error {
		r, err := t.get(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := f(tx, &r); err != nil {
			return err
		}
		out = r
		return t.put(ctx, tx, &out)
	})
	return out, err
}

// Insert writes a record that must not be there yet; else it is AlreadyExists.
// guard, which may be nil, can refuse.
func (t Table[S, T]) Insert(ctx context.Context, r Record[S, T], guard func(*Tx) error) error {
	return t.store.Write(ctx, func(tx *Tx) error {
		if guard != nil {
			if err := guard(tx); err != nil {
				return err
			}
		}
		return t.InsertTx(ctx, tx, r)
	})
}

// InsertTx is Insert inside a write transaction.
func (t Table[S, T]) InsertTx(ctx context.Context, tx *Tx, r Record[S, T]) error {
	there, err := tx.Exists(ctx, r.ID)
	if err != nil {
		return err
	}
	if there {
		return mlops.NewError(mlops.AlreadyExists, fmt.Errorf("%s %s already exists", t.noun, r.ID))
	}
	if r.Created.IsZero() {
		r.Created = time.Now()
	}
	return t.put(ctx, tx, &r)
}

// PutTx writes a record as it is, inside a write transaction.
func (t Table[S, T]) PutTx(ctx context.Context, tx *Tx, r Record[S, T]) error {
	return t.put(ctx, tx, &r)
}

func (t Table[S, T]) put(ctx context.Context, tx *Tx, r *Record[S, T]) error {
	r.Updated = time.Now()
	w, err := toRow(*r)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO objects (noun, `+columns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)
		ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, spec = excluded.spec, revision = excluded.revision,
			wanted = excluded.wanted, wanted_revision = excluded.wanted_revision, status = excluded.status,
			phase = excluded.phase, reason = excluded.reason, updated = excluded.updated`,
		t.noun, w.id, w.owner, w.spec, w.revision, w.wanted, w.wantedRevision, w.status, w.phase, w.reason, w.created, w.updated)
	return err
}

// Delete removes a record; NotFound if there is none. guard, which may be nil,
// can refuse.
func (t Table[S, T]) Delete(ctx context.Context, id mlops.ID, guard func(tx *Tx, r Record[S, T]) error) error {
	return t.store.Write(ctx, func(tx *Tx) error {
		r, err := t.get(ctx, tx, id)
		if err != nil {
			return err
		}
		if guard != nil {
			if err := guard(tx, r); err != nil {
				return err
			}
		}
		return t.DeleteTx(ctx, tx, id)
	})
}

// DeleteTx removes a record inside a write transaction; one that is not there
// is no error.
func (t Table[S, T]) DeleteTx(ctx context.Context, tx *Tx, id mlops.ID) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM objects WHERE id = ? AND noun = ?", id, t.noun)
	return err
}

// Children counts the objects below an ID.
func (tx *Tx) Children(ctx context.Context, id mlops.ID) (n int, err error) {
	low, high := below(id)
	err = tx.QueryRowContext(ctx, "SELECT count(*) FROM objects WHERE id >= ? AND id < ?", low, high).Scan(&n)
	return n, err
}

// Exists reports whether an object of any noun has this ID.
func (tx *Tx) Exists(ctx context.Context, id mlops.ID) (bool, error) {
	var n int
	err := tx.QueryRowContext(ctx, "SELECT count(*) FROM objects WHERE id = ?", id).Scan(&n)
	return n > 0, err
}
