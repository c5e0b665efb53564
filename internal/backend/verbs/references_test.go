package verbs

import (
	"context"
	"errors"
	"strconv"
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

// Get finds one among all that are listed.
func (s shown[Spec, Status]) Get(_ context.Context, ref mlops.ID) (mlops.Observed[Spec, Status], error) {
	for _, o := range s.under[ref.Parent()] {
		if o.Ref == ref {
			return o, s.err
		}
	}
	return mlops.Observed[Spec, Status]{}, mlops.NewError(mlops.NotFound, errors.New("there is no such thing"))
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
			run := seenRun{Ref: p.Ref.Child(mlops.NounPipelineRun, strconv.Itoa(i))}
			run.Status.StartedAt = time.Unix(int64(i), 0)
			h.runs[p.Ref] = append(h.runs[p.Ref], run)
		}
	}
	all, err := TrackedRuns(t.Context(), h, experiment)
	if err != nil || len(all) != mlops.MaxExperimentRuns+1 {
		t.Fatalf("%d runs, %v", len(all), err)
	}
	if want := tracking.Ref.Child(mlops.NounPipelineRun, strconv.Itoa(mlops.MaxExperimentRuns)); all[0].Run != want || all[0].Parameters == nil {
		t.Errorf("the newest is %+v, want %s", all[0], want)
	}
	var status mlops.ExperimentStatus
	ShowTracked(&status, all)
	if status.Total != mlops.MaxExperimentRuns+1 || len(status.Runs) != mlops.MaxExperimentRuns {
		t.Errorf("shown are %d of %d", len(status.Runs), status.Total)
	}
	for code, want := range map[mlops.Code]mlops.Code{mlops.NotFound: "", mlops.Unavailable: mlops.Unavailable} {
		h.broken = mlops.NewError(code, errors.New("broken"))
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

// TestOutput proves what of a run can be kept, and which attribute is at fault where
// nothing can.
func TestOutput(t *testing.T) {
	t.Parallel()
	pipeline := here.Child(mlops.NounPipeline, "p")
	run := func(name string, status mlops.PipelineRunStatus) seenRun {
		return seenRun{Ref: pipeline.Child(mlops.NounPipelineRun, name), Status: status}
	}
	outputs := map[string]string{"train.model": "file:///m", "train.metrics": "file:///n"}
	h := house{runs: map[mlops.ID][]seenRun{pipeline: {
		run("done", mlops.PipelineRunStatus{State: mlops.RunSucceeded, Outputs: outputs}),
		run("going", mlops.PipelineRunStatus{State: mlops.RunRunning, Outputs: outputs}),
	}}}
	broken := h
	broken.broken = mlops.NewError(mlops.Unavailable, errors.New("broken"))
	for _, tt := range []struct {
		name             string
		house            house
		run, word, field string
		want             string
		code             mlops.Code
	}{
		{name: "by its name", house: h, run: "done", word: "model", want: "train.model"},
		{name: "by its step and name", house: h, run: "done", word: "train.model", want: "train.model"},
		{name: "no such output", house: h, run: "done", word: "mode", field: "output", code: mlops.Invalid},
		{name: "a run that goes on", house: h, run: "going", word: "model", field: "run", code: mlops.Invalid},
		{name: "no such run", house: h, run: "none", word: "model", field: "run", code: mlops.Invalid},
		{name: "a platform that does not answer", house: broken, run: "done", word: "model", code: mlops.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			status, got, err := Output(t.Context(), tt.house, pipeline.Child(mlops.NounPipelineRun, tt.run), tt.word)
			if got != tt.want || mlops.CodeOf(err) != tt.code {
				t.Fatalf("got %q, %v", got, err)
			}
			if e, ok := errors.AsType[*mlops.Error](err); ok && e.Field != tt.field {
				t.Errorf("the attribute at fault is %q, want %q", e.Field, tt.field)
			}
			if err == nil && status.Outputs[got] != "file:///m" {
				t.Errorf("the run is %+v", status)
			}
		})
	}
}
