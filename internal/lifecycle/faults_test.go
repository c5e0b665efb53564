package lifecycle_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/memory"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops/mlopstest"
)

// stack is a platform in memory with what runs and endpoints need.
type stack struct {
	platform *memory.Platform
	backend  mlops.Backend
	pipeline mlops.ID
	version  mlops.ID
}

const dev mlops.ID = "memory/dev"

func newStack(t *testing.T, looks int) *stack {
	t.Helper()
	s := &stack{platform: memory.NewPlatform(memory.Config{Looks: looks})}
	backend, err := s.platform.Factory().Open(t.Context(), mlops.Options{Owner: "us"})
	if err != nil {
		t.Fatal(err)
	}
	s.backend = backend
	apply(t, s, mlops.NounEnvironment, backend.Environments(), mlops.EnvironmentSpec{
		ID: dev, Name: "dev", Stage: "dev", Target: mlops.Target{Backend: "memory"},
	})
	s.pipeline = apply(t, s, mlops.NounPipeline, backend.Pipelines(), mlops.PipelineSpec{
		Environment: dev, Name: "train",
		Steps: map[string]mlops.Step{"fit": {Command: []string{"true"}, Outputs: []string{"model"}}},
	})
	model := apply(t, s, mlops.NounModel, backend.Models(), mlops.ModelSpec{Environment: dev, Name: "churn"})
	s.version = apply(t, s, mlops.NounModelVersion, backend.ModelVersions(), mlops.ModelVersionSpec{
		Model: model, ArtifactURI: "s3://bucket/model", Format: "sklearn", Approval: "approved",
	})
	return s
}

// apply creates an object by way of the lifecycle, without faults.
func apply[S, T any](t *testing.T, s *stack, noun mlops.Noun, kind mlops.Kind[S, T], spec S) mlops.ID {
	t.Helper()
	seen, err := over(s, noun, kind).Create(t.Context(), spec, ignore)
	if err != nil {
		t.Fatal(err)
	}
	return seen.Ref
}

func over[S, T any](s *stack, noun mlops.Noun, kind mlops.Kind[S, T]) lifecycle.Target[S, T] {
	return lifecycle.Target[S, T]{Kind: kind, Code: mlopstest.FaultCode(s.backend.Code), Backend: "memory", Noun: noun}
}

// plans are the faults that one apply, or at worst a second, has to get over.
func plans() []struct {
	name  string
	plan  mlopstest.Plan
	looks int
} {
	return []struct {
		name  string
		plan  mlopstest.Plan
		looks int
	}{
		{name: "no fault"},
		{name: "throttled", plan: mlopstest.Plan{Throttle: 4}, looks: 2},
		{name: "throttled for long", plan: mlopstest.Plan{Throttle: 8}},
		{name: "lost reply", plan: mlopstest.Plan{LostReplies: 1}, looks: 2},
		{name: "lost replies", plan: mlopstest.Plan{LostReplies: 3}},
		{name: "all replies lost", plan: mlopstest.Plan{LostReplies: 7}},
		{name: "late to appear", plan: mlopstest.Plan{Hidden: 5}, looks: 2},
		{name: "flapping", plan: mlopstest.Plan{Flap: 2}, looks: 9},
		{name: "crash before record", plan: mlopstest.Plan{Crash: func() {}}, looks: 2},
		{name: "stuck", plan: mlopstest.Plan{Stuck: true}},
	}
}

// TestNeverTwice proves that after any fault, and another apply of the same, the
// platform has one object and state knows it.
func TestNeverTwice(t *testing.T) {
	for _, tt := range plans() {
		t.Run("model "+tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStack(t, tt.looks)
				neverTwice(t, s, mlops.NounModel, s.backend.Models(), mlops.ModelSpec{Environment: dev, Name: "another"}, tt.plan)
			})
		})
		t.Run("run "+tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStack(t, tt.looks)
				neverTwice(t, s, mlops.NounPipelineRun, s.backend.PipelineRuns(), mlops.PipelineRunSpec{Pipeline: s.pipeline}, tt.plan)
			})
		})
		t.Run("endpoint "+tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStack(t, tt.looks)
				spec := mlops.ModelEndpointSpec{
					Environment: dev, Name: "churn",
					Variants: map[string]mlops.Variant{"main": {Version: s.version, Traffic: 100}},
				}
				neverTwice(t, s, mlops.NounModelEndpoint, s.backend.ModelEndpoints(), spec, tt.plan)
			})
		})
	}
}

func neverTwice[S, T any](t *testing.T, s *stack, noun mlops.Noun, kind mlops.Kind[S, T], spec S, plan mlopstest.Plan) {
	t.Helper()
	before := s.platform.IDs()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if plan.Crash != nil {
		plan.Crash = cancel
	}
	faulty := over(s, noun, mlops.Kind[S, T](mlopstest.NewFaulty(kind, plan)))
	var state mlops.ID
	record := func(c mlops.Change) { state = c.Ref }

	_, first := faulty.Create(ctx, spec, record)
	faulty = over(s, noun, kind) // the weather is better when people try again
	seen, err := faulty.Create(t.Context(), spec, record)
	if err != nil {
		t.Fatalf("the second apply (the first said %v): %v", first, err)
	}
	made := len(s.platform.IDs()) - len(before)
	if made != 1 || state != seen.Ref || seen.Phase != mlops.PhaseReady {
		t.Errorf("%d objects made, state has %q, the platform %q %s", made, state, seen.Ref, seen.Phase)
	}
	if err := faulty.Delete(t.Context(), state); err != nil {
		t.Fatalf("delete: %v", err)
	}
	if diff := cmp.Diff(before, s.platform.IDs()); diff != "" {
		t.Errorf("left behind (-before +after):\n%s", diff)
	}
}

// TestOneApplyIsEnough proves that passing faults are not even noticed.
func TestOneApplyIsEnough(t *testing.T) {
	for _, tt := range plans() {
		if tt.plan.Stuck || tt.plan.Crash != nil || tt.plan.Throttle > 5 || tt.plan.LostReplies > 5 {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStack(t, tt.looks)
				faulty := over(s, mlops.NounModel, mlops.Kind[mlops.ModelSpec, mlops.ModelStatus](mlopstest.NewFaulty(s.backend.Models(), tt.plan)))
				spec := mlops.ModelSpec{Environment: dev, Name: "another"}
				if _, err := faulty.Create(within(t, time.Minute), spec, ignore); err != nil {
					t.Errorf("create: %v", err)
				}
				spec.Description = "changed"
				seen, err := faulty.Update(within(t, time.Minute), spec.ID(), spec, ignore)
				if err != nil || seen.Spec.Description != "changed" {
					t.Errorf("update to %+v: %v", seen.Spec, err)
				}
			})
		})
	}
}

// TestSuccessorIsRecorded proves that state follows a run to its successor,
// though the answer that told of it was lost.
func TestSuccessorIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, 2)
		spec := mlops.PipelineRunSpec{Pipeline: s.pipeline}
		first := apply(t, s, mlops.NounPipelineRun, s.backend.PipelineRuns(), spec)
		spec.Triggers = map[string]string{"code": "changed"}

		kind := mlopstest.NewFaulty(s.backend.PipelineRuns(), mlopstest.Plan{LostReplies: 2})
		faulty := over(s, mlops.NounPipelineRun, mlops.Kind[mlops.PipelineRunSpec, mlops.PipelineRunStatus](kind))
		var state mlops.ID
		seen, err := faulty.Update(within(t, time.Minute), first, spec, func(c mlops.Change) { state = c.Ref })
		if err != nil {
			t.Fatal(err)
		}
		if state == first || state != seen.Ref {
			t.Errorf("state has %q, the platform %q, after %q", state, seen.Ref, first)
		}
		if runs := s.platform.IDs(); len(runs) != 4+2 {
			t.Errorf("the platform has %q, want two runs", runs)
		}
	})
}

// TestRollbackIsReported proves that after a rollback the caller has both: the
// error, and what is in force.
func TestRollbackIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, 3)
		spec := mlops.ModelEndpointSpec{
			Environment: dev, Name: "churn",
			Variants: map[string]mlops.Variant{"main": {Version: s.version, Traffic: 100}},
		}
		id := apply(t, s, mlops.NounModelEndpoint, s.backend.ModelEndpoints(), spec)
		bad := spec
		bad.SmokeTest = &mlops.SmokeTest{Request: "{}", Status: 500}
		seen, err := over(s, mlops.NounModelEndpoint, s.backend.ModelEndpoints()).Update(within(t, time.Minute), id, bad, ignore)
		if mlops.CodeOf(err) != mlops.Failed {
			t.Errorf("the error is %v, want code %q", err, mlops.Failed)
		}
		if diff := cmp.Diff(spec, seen.Spec); diff != "" {
			t.Errorf("in force (-want +got):\n%s", diff)
		}
	})
}

// TestForeignContextErrorIsAPassingFault proves that a limit of one request is
// not taken for the end of the operation.
func TestForeignContextErrorIsAPassingFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kind := &slow{getErr: context.DeadlineExceeded}
		time.AfterFunc(time.Second, func() {
			kind.mu.Lock()
			defer kind.mu.Unlock()
			kind.getErr = nil
		})
		if _, err := kind.target().Create(within(t, time.Minute), mlops.ModelSpec{}, ignore); err != nil {
			t.Error(err)
		}
		kind.getErr = errors.New("never heard of")
		_, err := kind.target().Read(within(t, time.Minute), slowID)
		wantError(t, err, mlops.Unknown, "never heard of")
	})
}

// TestFlappingForLong proves that the patience for an object that is not found
// begins anew each time it is seen.
func TestFlappingForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kind := &slow{takes: 10 * time.Minute}
		flapping := kind.target()
		flapping.Kind = mlopstest.NewFaulty(flapping.Kind, mlopstest.Plan{Flap: 2})
		if _, err := flapping.Create(within(t, time.Hour), mlops.ModelSpec{}, ignore); err != nil {
			t.Error(err)
		}
	})
}
