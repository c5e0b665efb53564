package verbs

import (
	"context"
	"fmt"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TrackedRuns lists the runs of the pipelines that name an experiment, newest first, on
// a platform that knows of them but not of the experiment.
func TrackedRuns(ctx context.Context, b mlops.Backend, experiment mlops.ID) ([]mlops.ExperimentRun, error) {
	pipelines, err := list(ctx, b.Pipelines(), experiment.Environment())
	if err != nil {
		return nil, err
	}
	all := []mlops.ExperimentRun{}
	for _, p := range pipelines {
		if p.Spec.Experiment != experiment {
			continue
		}
		runs, err := list(ctx, b.PipelineRuns(), p.Ref)
		if err != nil && b.Code(err) != mlops.NotFound { // it may be deleted at this moment
			return nil, err
		}
		for _, r := range runs {
			all = append(all, tracked(r))
		}
	}
	slices.SortStableFunc(all, func(a, b mlops.ExperimentRun) int { return b.StartedAt.Compare(a.StartedAt) })
	return all, nil
}

func tracked(r mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus]) mlops.ExperimentRun {
	values := r.Spec.Parameters
	if values == nil {
		values = map[string]string{}
	}
	return mlops.ExperimentRun{
		Run: r.Ref, State: r.Status.State, Parameters: values, Metrics: r.Status.Metrics,
		StartedAt: r.Status.StartedAt, FinishedAt: r.Status.FinishedAt,
	}
}

// ShowTracked fills in what a status shows of runs: the newest, and how many there are.
func ShowTracked(status *mlops.ExperimentStatus, all []mlops.ExperimentRun) {
	status.Total = int64(len(all))
	status.Runs = all[:min(len(all), mlops.MaxExperimentRuns)]
}

// Untracked refuses, as a Conflict, an experiment that a pipeline names.
func Untracked(ctx context.Context, b mlops.Backend, experiment mlops.ID) error {
	pipelines, err := list(ctx, b.Pipelines(), experiment.Environment())
	for _, p := range pipelines {
		if p.Spec.Experiment == experiment {
			return mlops.NewError(mlops.Conflict, fmt.Errorf("the pipeline %s tracks its runs in %s", p.Ref, experiment))
		}
	}
	return err
}

// Unread refuses, as a Conflict, a dataset that a monitor compares with, or that a
// pipeline reads.
func Unread(ctx context.Context, b mlops.Backend, dataset mlops.ID) error {
	monitors, err := list(ctx, b.Monitors(), dataset.Environment())
	if err != nil {
		return err
	}
	for _, m := range monitors {
		if m.Spec.Baseline != nil && m.Spec.Baseline.Dataset == dataset {
			return mlops.NewError(mlops.Conflict, fmt.Errorf("the monitor %s compares with %s", m.Ref, dataset))
		}
	}
	readers, err := Readers(ctx, b, dataset)
	if err == nil && len(readers) > 0 {
		err = mlops.NewError(mlops.Conflict, fmt.Errorf("the pipeline %s reads %s", readers[0].Ref, dataset))
	}
	return err
}

// Readers lists the pipelines that read a dataset.
func Readers(ctx context.Context, b mlops.Backend, dataset mlops.ID) ([]mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus], error) {
	all, err := list(ctx, b.Pipelines(), dataset.Environment())
	return slices.DeleteFunc(all, func(p mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus]) bool {
		return !slices.Contains(p.Spec.Datasets(), dataset.Name())
	}), err
}

// Output finds an output of a run, which must be there and have succeeded, for a version
// or a dataset that is made of it by the attributes run and output.
func Output(ctx context.Context, b mlops.Backend, run mlops.ID, word string) (status mlops.PipelineRunStatus, key string, err error) {
	seen, err := b.PipelineRuns().Get(ctx, run)
	if err != nil && b.Code(err) == mlops.NotFound {
		err = mlops.InvalidField("run", "there is no run %s", run)
	}
	if err != nil {
		return status, "", err
	}
	key, err = seen.Status.OutputToKeep(run, word)
	return seen.Status, key, err
}

// list lists what a kind has under an ID: nothing where it has no lists, and thus
// nothing that could be found.
func list[Spec, Status any](ctx context.Context, k mlops.Kind[Spec, Status], under mlops.ID) ([]mlops.Observed[Spec, Status], error) {
	lister, ok := k.(mlops.Lister[Spec, Status])
	if !ok {
		return nil, nil
	}
	return lister.List(ctx, under)
}
