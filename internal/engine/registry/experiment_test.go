package registry

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// track writes how a run stands, as the runner does.
func (b bench) track(experiment mlops.ID, run mlops.ExperimentRun) {
	b.Helper()
	b.must(b.Store.Write(b.ctx, func(tx *store.Tx) error { return tx.Track(b.ctx, experiment, run) }))
}

// TestExperiment proves what an experiment shows, and that it does not need the
// runs for it.
func TestExperiment(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	environment := b.environment()
	id := b.the(b.Experiments().Create(b.ctx, mlops.ExperimentSpec{Environment: environment, Name: "x"})).Ref
	other := b.the(b.Experiments().Create(b.ctx, mlops.ExperimentSpec{Environment: environment, Name: "y"})).Ref
	const runs = "local/e/pipelines/p/runs/"
	b.track(id, mlops.ExperimentRun{Run: runs + "a", State: mlops.RunRunning})
	b.track(id, mlops.ExperimentRun{Run: runs + "b", State: mlops.RunRunning})
	b.track(id, mlops.ExperimentRun{Run: runs + "a", State: mlops.RunSucceeded, Metrics: map[string]float64{"auc": 0.9}})
	b.track("local/e/experiments/gone", mlops.ExperimentRun{Run: runs + "a"})
	b.must(b.Store.Write(b.ctx, func(tx *store.Tx) error {
		if err := tx.EndTracked(b.ctx, runs+"a"); err != nil {
			return err
		}
		return tx.EndTracked(b.ctx, runs+"b")
	}))

	o, err := b.Experiments().Get(b.ctx, id)
	b.must(err)
	var got []string
	for _, r := range o.Status.Runs {
		got = append(got, fmt.Sprint(r.Run.Name(), " ", r.State, " ", r.Metrics, " unfinished: ", r.FinishedAt.IsZero()))
	}
	want := []string{"b cancelled map[] unfinished: false", "a succeeded map[auc:0.9] unfinished: true"}
	if diff := cmp.Diff(want, got); diff != "" || o.Status.Total != 2 {
		b.Errorf("%d in all (-want +got):\n%s", o.Status.Total, diff)
	}
	if o, err := b.Experiments().Get(b.ctx, other); err != nil || o.Status.Total != 0 || o.Status.Runs == nil {
		b.Errorf("the other one has %+v, %v", o.Status, err)
	}
	b.must(b.Experiments().Delete(b.ctx, id))
	b.the(b.Experiments().Create(b.ctx, mlops.ExperimentSpec{Environment: environment, Name: "x"}))
	if all, err := b.Experiments().List(b.ctx, environment); err != nil || len(all) != 2 || all[0].Status.Total+all[1].Status.Total != 0 {
		b.Errorf("after it was made again: %+v, %v", all, err)
	}
}

func TestManyTrackedRuns(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.the(b.Experiments().Create(b.ctx, mlops.ExperimentSpec{Environment: b.environment(), Name: "x"})).Ref
	for i := range mlops.MaxExperimentRuns + 20 {
		b.track(id, mlops.ExperimentRun{Run: mlops.ID(fmt.Sprintf("local/e/pipelines/p/runs/%03d", i)), State: mlops.RunSucceeded})
	}
	o, err := b.Experiments().Get(b.ctx, id)
	b.must(err)
	if len(o.Status.Runs) != mlops.MaxExperimentRuns || o.Status.Total != mlops.MaxExperimentRuns+20 || o.Status.Runs[0].Run.Name() != "119" {
		b.Errorf("%d runs of %d, the first is %s", len(o.Status.Runs), o.Status.Total, o.Status.Runs[0].Run)
	}
}

// TestExperimentInUse proves that a pipeline and its experiment need each other.
func TestExperimentInUse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := mlops.ExperimentSpec{Environment: b.environment(), Name: "x"}
	pipeline := mlops.PipelineSpec{
		Environment: spec.Environment, Name: "p", Experiment: spec.ID(),
		Steps: map[string]mlops.Step{"s": {Command: []string{"true"}}},
	}
	_, err := b.Pipelines().Create(b.ctx, pipeline)
	b.wantCode(err, mlops.Invalid, "there is no local/e/experiments/x")
	b.the(b.Experiments().Create(b.ctx, spec))
	b.the(b.Pipelines().Create(b.ctx, pipeline))
	b.wantCode(b.Experiments().Delete(b.ctx, spec.ID()), mlops.Conflict, "pipelines/p tracks")
	pipeline.Experiment = ""
	b.the(b.Pipelines().Update(b.ctx, pipeline.ID(), pipeline))
	b.must(b.Experiments().Delete(b.ctx, spec.ID()))
	pipeline.Experiment = spec.ID()
	_, err = b.Pipelines().Update(b.ctx, pipeline.ID(), pipeline)
	b.wantCode(err, mlops.Invalid, "there is no local/e/experiments/x")
}
