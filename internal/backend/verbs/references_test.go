package verbs

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const here = mlops.ID("local/dev")

type (
	seenPipeline = mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus]
	seenRun      = mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus]
	seenMonitor  = mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus]
)

// shown is a kind that lists what it is made of, by the ID that it is under, or fails.
type shown[Spec, Status any] struct {
	mlops.Kind[Spec, Status]

	under map[mlops.ID][]mlops.Observed[Spec, Status]
	err   error
}

func (s shown[Spec, Status]) List(_ context.Context, id mlops.ID) ([]mlops.Observed[Spec, Status], error) {
	return s.under[id], s.err
}

// house is a platform of which a test says what is there.
type house struct {
	mlops.Backend

	pipelines []seenPipeline
	runs      map[mlops.ID][]seenRun
	monitors  []seenMonitor
	broken    error // of runs
}

func (house) Code(err error) mlops.Code { return mlops.CodeOf(err) }

func (h house) Pipelines() mlops.Kind[mlops.PipelineSpec, mlops.PipelineStatus] {
	return shown[mlops.PipelineSpec, mlops.PipelineStatus]{under: map[mlops.ID][]seenPipeline{here: h.pipelines}}
}

func (h house) PipelineRuns() mlops.Kind[mlops.PipelineRunSpec, mlops.PipelineRunStatus] {
	return shown[mlops.PipelineRunSpec, mlops.PipelineRunStatus]{under: h.runs, err: h.broken}
}

func (h house) Monitors() mlops.Kind[mlops.MonitorSpec, mlops.MonitorStatus] {
	if h.monitors == nil {
		return nil // a platform that lists none
	}
	return shown[mlops.MonitorSpec, mlops.MonitorStatus]{under: map[mlops.ID][]seenMonitor{here: h.monitors}}
}

func pipelineNamed(name string, experiment mlops.ID, inputs map[string]string) seenPipeline {
	spec := mlops.PipelineSpec{Environment: here, Name: name, Experiment: experiment, Steps: map[string]mlops.Step{"s": {Inputs: inputs}}}
	return seenPipeline{Ref: spec.ID(), Spec: spec}
}

// TestTrackedRuns proves that the runs of the pipelines that name an experiment are
// found, newest first, and that a status shows but the newest.
func TestTrackedRuns(t *testing.T) {
	t.Parallel()
	experiment := here.Child(mlops.NounExperiment, "trees")
	tracking, other := pipelineNamed("tracking", experiment, nil), pipelineNamed("other", "", nil)
	h := house{pipelines: []seenPipeline{tracking, other}, runs: map[mlops.ID][]seenRun{}}
	for i := range mlops.MaxExperimentRuns + 1 {
		for _, p := range h.pipelines {
			run := seenRun{Ref: p.Ref.Child(mlops.NounPipelineRun, fmt.Sprint(i))}
			run.Status.StartedAt = time.Unix(int64(i), 0)
			h.runs[p.Ref] = append(h.runs[p.Ref], run)
		}
	}
	all, err := TrackedRuns(t.Context(), h, experiment)
	if err != nil || len(all) != mlops.MaxExperimentRuns+1 {
		t.Fatalf("%d runs, %v", len(all), err)
	}
	if want := tracking.Ref.Child(mlops.NounPipelineRun, fmt.Sprint(mlops.MaxExperimentRuns)); all[0].Run != want || all[0].Parameters == nil {
		t.Errorf("the newest is %+v, want %s", all[0], want)
	}
	var status mlops.ExperimentStatus
	ShowTracked(&status, all)
	if status.Total != mlops.MaxExperimentRuns+1 || len(status.Runs) != mlops.MaxExperimentRuns {
		t.Errorf("shown are %d of %d", len(status.Runs), status.Total)
	}
	for code, want := range map[mlops.Code]mlops.Code{mlops.NotFound: "", mlops.Unavailable: mlops.Unavailable} {
		h.broken = mlops.NewError(code, fmt.Errorf("broken"))
		if _, err := TrackedRuns(t.Context(), h, experiment); mlops.CodeOf(err) != want {
			t.Errorf("runs that are %s: %v, want code %q", code, err, want)
		}
	}
}

// TestReferredTo proves that what something refers to is kept, and by whom.
func TestReferredTo(t *testing.T) {
	t.Parallel()
	experiment, dataset := here.Child(mlops.NounExperiment, "trees"), here.Child(mlops.NounDataset, "people")
	baseline := mlops.MonitorSpec{Endpoint: here.Child(mlops.NounModelEndpoint, "e"), Name: "m", Baseline: &mlops.Baseline{Dataset: dataset}}
	for _, tt := range []struct {
		name                 string
		house                house
		experiment, datasets mlops.Code
	}{
		{name: "nothing", house: house{}},
		{name: "others", house: house{pipelines: []seenPipeline{pipelineNamed("p", "", map[string]string{"in": "{{datasets.others}}"})}, monitors: []seenMonitor{{}}}},
		{name: "a pipeline tracks", house: house{pipelines: []seenPipeline{pipelineNamed("p", experiment, nil)}}, experiment: mlops.Conflict},
		{name: "a pipeline reads", house: house{pipelines: []seenPipeline{pipelineNamed("p", "", map[string]string{"in": "{{datasets.people}}"})}}, datasets: mlops.Conflict},
		{name: "a monitor compares", house: house{monitors: []seenMonitor{{Ref: "m", Spec: baseline}}}, datasets: mlops.Conflict},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := []mlops.Code{mlops.CodeOf(Untracked(t.Context(), tt.house, experiment)), mlops.CodeOf(Unread(t.Context(), tt.house, dataset))}
			if diff := cmp.Diff([]mlops.Code{tt.experiment, tt.datasets}, got); diff != "" {
				t.Errorf("experiment and dataset (-want +got):\n%s", diff)
			}
		})
	}
}
