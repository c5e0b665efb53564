//go:build unix

package runner_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const experiment = mlops.ID("local/dev/experiments/depth")

// tracked are the runs that the experiment shows.
func (e *engine) tracked() []mlops.ExperimentRun {
	e.t.Helper()
	runs, total, err := e.store.Tracked(e.t.Context(), experiment, mlops.MaxExperimentRuns)
	if err != nil || int64(len(runs)) != total {
		e.t.Fatalf("%d runs of %d, %v", len(runs), total, err)
	}
	return runs
}

// addTracked stores a pipeline whose runs the experiment tracks.
func (e *engine) addTracked(step mlops.Step) {
	e.t.Helper()
	four := "4"
	e.putPipeline(mlops.PipelineSpec{
		Environment: environment, Name: "work", Experiment: experiment, Steps: map[string]mlops.Step{"train": step},
		Parameters: map[string]mlops.Parameter{"depth": {Type: "integer", Default: &four}, "seed": {Type: "integer", Default: &four}},
	})
}

// TestTracking proves that an experiment shows what a run was given and what came
// of it, also when the run is gone.
func TestTracking(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	put(e, e.store.Experiments(), experiment, mlops.ExperimentSpec{Environment: environment, Name: "depth"})
	step := sh(`test {{params.depth}} -lt 9 && echo '{"auc": 0.{{params.depth}}}' >"$MLOPS_OUTPUT_METRICS"; printf "$MLOPS_EXPERIMENT" >"$MLOPS_OUTPUT_NAME"; test {{params.depth}} -lt 9`, "metrics", "name")
	step.Env = map[string]string{"DEPTH": "{{params.depth}}"}
	e.addTracked(step)
	start := func(depth string) mlops.ID {
		spec := request(depth)
		spec.Parameters["depth"] = depth
		c, err := e.Create(e.ctx, spec)
		if err != nil {
			t.Fatal(err)
		}
		return c.Ref
	}
	good := e.ended(start("7"))
	wantState(t, good, mlops.RunSucceeded)
	if got := output(t, good, "train.name"); got != "depth" {
		t.Errorf("MLOPS_EXPERIMENT is %q", got)
	}
	bad := e.ended(start("9"))
	wantState(t, bad, mlops.RunFailed)
	want := []mlops.ExperimentRun{
		{Run: bad.Ref, State: mlops.RunFailed, Parameters: map[string]string{"depth": "9", "seed": "4"}, Metrics: map[string]float64{}, StartedAt: bad.Status.StartedAt, FinishedAt: bad.Status.FinishedAt},
		{Run: good.Ref, State: mlops.RunSucceeded, Parameters: map[string]string{"depth": "7", "seed": "4"}, Metrics: map[string]float64{"auc": 0.7}, StartedAt: good.Status.StartedAt, FinishedAt: good.Status.FinishedAt},
	}
	for _, moment := range []string{"when they have ended", "when they are gone"} {
		if diff := cmp.Diff(want, e.tracked()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", moment, diff)
		}
		for _, r := range want {
			if err := e.Delete(e.ctx, r.Run); err == nil {
				e.gone(r.Run)
			}
		}
	}
}

// TestTrackingUnfinished proves that a run is shown from the start, and that one
// that was removed does not seem to go on.
func TestTrackingUnfinished(t *testing.T) {
	t.Parallel()
	e := prepareEngine(t, t.TempDir())
	put(e, e.store.Experiments(), experiment, mlops.ExperimentSpec{Environment: environment, Name: "depth"})
	e.addTracked(sh("sleep 600"))
	ref := e.create("1")
	if runs := e.tracked(); len(runs) != 1 || runs[0].State != mlops.RunQueued {
		t.Errorf("before it starts: %+v", runs)
	}
	e.start()
	e.running(ref, "train")
	if runs := e.tracked(); len(runs) != 1 || runs[0].State != mlops.RunRunning {
		t.Errorf("while it runs: %+v", runs)
	}
	if err := e.Delete(e.ctx, ref); err != nil {
		t.Fatal(err)
	}
	e.gone(ref)
	if runs := e.tracked(); len(runs) != 1 || runs[0].State != mlops.RunCancelled || runs[0].FinishedAt.IsZero() {
		t.Errorf("when it was removed: %+v", runs)
	}
}

// TestTrackingWithoutExperiment proves that an experiment that is gone is in no
// run's way.
func TestTrackingWithoutExperiment(t *testing.T) {
	t.Parallel()
	e := prepareEngine(t, t.TempDir())
	put(e, e.store.Experiments(), experiment, mlops.ExperimentSpec{Environment: environment, Name: "depth"})
	e.addTracked(sh("true"))
	ref := e.create("1")
	if err := e.store.Experiments().Delete(e.ctx, experiment, nil); err != nil {
		t.Fatal(err)
	}
	e.start()
	wantState(t, e.ended(ref), mlops.RunSucceeded)
	if runs := e.tracked(); len(runs) != 0 {
		t.Errorf("tracked: %+v", runs)
	}
}
