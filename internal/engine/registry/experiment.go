package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Experiments is the kind of experiments. What an experiment tracks is written by
// the runner, and outlives the runs.
type Experiments struct{ *Registry }

type experimentRecord = store.Record[mlops.ExperimentSpec, mlops.ExperimentStatus]

// Create puts the spec in force.
func (e *Experiments) Create(ctx context.Context, spec mlops.ExperimentSpec) (mlops.Change, error) {
	if err := check(spec.Name, spec); err != nil {
		return mlops.Change{}, err
	}
	return create(ctx, e.Store, e.Store.Experiments(), spec.ID(), spec, e.inEnvironment(ctx, spec.Environment))
}

// Update puts the spec in force.
func (e *Experiments) Update(ctx context.Context, ref mlops.ID, spec mlops.ExperimentSpec) (mlops.Change, error) {
	if err := check(spec.Name, spec); err != nil {
		return mlops.Change{}, err
	}
	if err := stays(ref, spec.ID()); err != nil {
		return mlops.Change{}, err
	}
	return update(ctx, e.Store, e.Store.Experiments(), ref, spec, e.inEnvironment(ctx, spec.Environment))
}

// Get takes one look.
func (e *Experiments) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus], error) {
	r, err := e.Store.Experiments().Get(ctx, ref)
	if err != nil {
		return mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus]{}, err
	}
	return e.observe(ctx, r)
}

// List returns the experiments below an ID.
func (e *Experiments) List(ctx context.Context, under mlops.ID) ([]mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus], error) {
	records, err := e.Store.Experiments().List(ctx, under)
	out := make([]mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus], 0, len(records))
	for _, r := range records {
		o, errRuns := e.observe(ctx, r)
		out, err = append(out, o), errors.Join(err, errRuns)
	}
	return out, err
}

func (e *Experiments) observe(ctx context.Context, r experimentRecord) (mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus], error) {
	o := r.Observed()
	o.Status.CreatedAt = r.Created
	var err error
	o.Status.Runs, o.Status.Total, err = e.Store.Tracked(ctx, r.ID, mlops.MaxExperimentRuns)
	return o, err
}

// Delete removes an experiment. One that a pipeline names is a Conflict.
func (e *Experiments) Delete(ctx context.Context, ref mlops.ID) error {
	return e.Store.Experiments().Delete(ctx, ref, func(tx *store.Tx, _ experimentRecord) error {
		pipelines, err := e.Store.Pipelines().ListTx(ctx, tx, ref.Environment())
		if err != nil {
			return err
		}
		for _, p := range pipelines {
			if p.Observed().Spec.Experiment == ref {
				return mlops.NewError(mlops.Conflict, fmt.Errorf("the pipeline %s tracks its runs in %s", p.ID, ref))
			}
		}
		return nil
	})
}
