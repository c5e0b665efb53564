package registry

import (
	"context"
	"fmt"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Experiments is the kind of experiments. What an experiment tracks is read from
// the runs of its pipelines: one that retention removed is not shown any more.
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
	tracked, err := e.tracked(ctx, ref.Environment())
	if err != nil {
		return mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus]{}, err
	}
	return get(ctx, e.Store.Experiments(), ref, observeExperiment(tracked))
}

// List returns the experiments below an ID.
func (e *Experiments) List(ctx context.Context, under mlops.ID) ([]mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus], error) {
	tracked, err := e.tracked(ctx, under)
	if err != nil {
		return nil, err
	}
	return list(ctx, e.Store.Experiments(), under, observeExperiment(tracked))
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

// tracked maps each experiment to its runs, newest first.
func (e *Experiments) tracked(ctx context.Context, under mlops.ID) (map[mlops.ID][]mlops.ExperimentRun, error) {
	pipelines, err := e.Store.Pipelines().List(ctx, under)
	if err != nil {
		return nil, err
	}
	experiment := map[mlops.ID]mlops.ID{}
	for _, p := range pipelines {
		experiment[p.ID] = p.Observed().Spec.Experiment
	}
	runs, err := e.Store.Runs().List(ctx, under)
	out := map[mlops.ID][]mlops.ExperimentRun{}
	for _, r := range slices.Backward(runs) { // oldest first
		at := experiment[r.ID.Parent()]
		if at == "" {
			continue
		}
		spec, status := r.Observed().Spec, r.Status
		run := mlops.ExperimentRun{
			Run: r.ID, State: status.State, Parameters: spec.Parameters, Metrics: status.Metrics,
			StartedAt: status.StartedAt, FinishedAt: status.FinishedAt,
		}
		if status.Lineage != nil { // with defaults filled in
			run.Parameters = status.Lineage.Parameters
		}
		out[at] = append(out[at], run)
	}
	return out, err
}

func observeExperiment(tracked map[mlops.ID][]mlops.ExperimentRun) func(experimentRecord) mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus] {
	return func(r experimentRecord) mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus] {
		o := r.Observed()
		runs := tracked[r.ID]
		o.Status = mlops.ExperimentStatus{
			CreatedAt: r.Created, Total: int64(len(runs)),
			Runs: append([]mlops.ExperimentRun{}, runs[:min(len(runs), mlops.MaxExperimentRuns)]...),
		}
		return o
	}
}
