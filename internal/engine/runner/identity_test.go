//go:build unix

package runner_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestSameRequestIsTheSameRun(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.addPipeline(map[string]mlops.Step{"quick": sh("true")})
	var group sync.WaitGroup
	refs := make([]mlops.ID, 8)
	for i := range refs {
		group.Go(func() {
			change, err := e.Create(e.ctx, request("1"))
			if err != nil {
				t.Error(err)
			}
			refs[i] = change.Ref
		})
	}
	group.Wait()
	for _, ref := range refs {
		if ref != refs[0] {
			t.Fatalf("one request made %s and %s", ref, refs[0])
		}
	}
	o := e.ended(refs[0])
	change, err := e.Create(e.ctx, request("1"))
	if err != nil || change.Ref != o.Ref || change.Revision != o.Revision {
		t.Errorf("repeated after success: %+v, %v; want %s with revision %s", change, err, o.Ref, o.Revision)
	}
	if other := e.create("2"); other == o.Ref {
		t.Error("another trigger made no other run")
	}
	if all, err := e.List(e.ctx, pipeline); err != nil || len(all) != 2 {
		t.Errorf("there are %d runs (%v), want 2", len(all), err)
	}
}

func TestFailedRequestIsTriedAgain(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.addPipeline(map[string]mlops.Step{"bad": sh("false")})
	first := e.run("1")
	second, third := e.run("1"), e.run("1")
	if second.Status.Run != first.Status.Run+"-2" || third.Status.Run != first.Status.Run+"-3" {
		t.Errorf("the runs are %s, %s, %s", first.Status.Run, second.Status.Run, third.Status.Run)
	}
	if err := e.Delete(e.ctx, third.Ref); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []mlops.ID{third.Ref, second.Ref, first.Ref} {
		e.gone(ref)
	}
}

func TestUpdateStartsASuccessor(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.addPipeline(map[string]mlops.Step{"quick": sh("true")})
	first := e.run("1")
	same, err := e.Update(e.ctx, first.Ref, request("1"))
	if err != nil || same.Ref != first.Ref || same.Revision != first.Revision {
		t.Fatalf("update with the same inputs: %+v, %v", same, err)
	}
	change, err := e.Update(e.ctx, first.Ref, request("2"))
	if err != nil || change.Ref == first.Ref {
		t.Fatalf("update with other inputs: %+v, %v", change, err)
	}
	second := e.ended(change.Ref)
	if second.Spec.After != first.Ref || second.Revision != change.Revision {
		t.Errorf("the successor is after %q with revision %s, want %q and %s", second.Spec.After, second.Revision, first.Ref, change.Revision)
	}
	if again, err := e.Update(e.ctx, first.Ref, request("2")); err != nil || again.Ref != second.Ref {
		t.Errorf("the same update once more: %+v, %v; want %s", again, err, second.Ref)
	}
	// Back to the first inputs is new work, not the first run.
	back, err := e.Update(e.ctx, second.Ref, request("1"))
	if err != nil || back.Ref == first.Ref {
		t.Fatalf("back to the first inputs: %+v, %v", back, err)
	}
	e.ended(back.Ref)
	if _, err := e.Get(e.ctx, first.Ref); err != nil {
		t.Errorf("the first run does not stay as history: %v", err)
	}
	if err := e.Delete(e.ctx, back.Ref); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []mlops.ID{back.Ref, second.Ref, first.Ref} {
		e.gone(ref)
	}
}

func TestUpdateOfAFailedRunTriesAgain(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.addPipeline(map[string]mlops.Step{"bad": sh("false")})
	first := e.run("1")
	change, err := e.Update(e.ctx, first.Ref, request("1"))
	if err != nil || change.Ref != first.Ref+"-2" {
		t.Errorf("update of a failed run: %+v, %v; want %s-2", change, err, first.Ref)
	}
}

func TestOtherOwner(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.addPipeline(map[string]mlops.Step{"quick": sh("true")})
	ref := e.create("1")
	other := api.WithOwner(e.ctx, "somebody else")
	if _, err := e.Create(other, request("1")); mlops.CodeOf(err) != mlops.AlreadyExists {
		t.Errorf("create by another owner: %v, want already exists", err)
	}
	// Who knows the run, from a state or an import, may follow it with another.
	if change, err := e.Update(other, ref, request("2")); err != nil || change.Ref == ref {
		t.Errorf("update by another owner: %+v, %v, want a successor", change, err)
	}
}

func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.putPipeline(mlops.PipelineSpec{
		Environment: environment, Name: "work", Steps: map[string]mlops.Step{"s": sh("true")},
		Parameters: map[string]mlops.Parameter{"depth": {Type: "integer"}},
	})
	e.putPipeline(mlops.PipelineSpec{
		Environment: environment, Name: "boxed", Steps: map[string]mlops.Step{"s": {Image: "busybox", Command: []string{"true"}}},
	})
	tests := []struct {
		name string
		spec mlops.PipelineRunSpec
		code mlops.Code
		want string
	}{
		{"no such pipeline", mlops.PipelineRunSpec{Pipeline: environment.Child(mlops.NounPipeline, "none")}, mlops.NotFound, "pipelines/none"},
		{"not a pipeline", mlops.PipelineRunSpec{Pipeline: environment}, mlops.Invalid, "pipeline"},
		{"missing parameter", mlops.PipelineRunSpec{Pipeline: pipeline}, mlops.Invalid, "depth"},
		{"misspelt parameter", mlops.PipelineRunSpec{Pipeline: pipeline, Parameters: map[string]string{"deptg": "1"}}, mlops.Invalid, `Did you mean "depth"?`},
		{"wrong type", mlops.PipelineRunSpec{Pipeline: pipeline, Parameters: map[string]string{"depth": "deep"}}, mlops.Invalid, "not an integer"},
		{"image", mlops.PipelineRunSpec{Pipeline: environment.Child(mlops.NounPipeline, "boxed")}, mlops.Unsupported, "image"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			change, err := e.Create(e.ctx, tt.spec)
			if mlops.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want code %s and %q", err, tt.code, tt.want)
			}
			if change.Ref != "" {
				t.Errorf("got a ref, %s, for what was not created", change.Ref)
			}
		})
	}
	t.Cleanup(func() { // after the parallel cases
		if all, err := e.List(context.WithoutCancel(e.ctx), environment); err != nil || len(all) != 0 {
			t.Errorf("refused requests left %d runs (%v)", len(all), err)
		}
	})
}

func TestRunIsFrozenAtItsStart(t *testing.T) {
	t.Parallel()
	e := prepareEngine(t, t.TempDir())
	e.addPipeline(map[string]mlops.Step{"say": sh(`printf old >"$MLOPS_OUTPUT_WORD"`, "word")})
	before, err := e.store.Pipelines().Get(e.ctx, pipeline)
	if err != nil {
		t.Fatal(err)
	}
	ref := e.create("1")
	e.addPipeline(map[string]mlops.Step{"say": sh(`printf new >"$MLOPS_OUTPUT_WORD"`, "word")})
	e.start()
	o := e.ended(ref)
	if got := output(t, o, "say.word"); got != "old" {
		t.Errorf("the run did what the %s pipeline says", got)
	}
	if diff := cmp.Diff(before.Spec.Version(), o.Status.Lineage.PipelineVersion); diff != "" {
		t.Error("pipeline version (-want +got):", diff)
	}
	if next := e.run("1"); next.Ref == ref || output(t, next, "say.word") != "new" {
		t.Errorf("after the change the same request gives %s", next.Ref)
	}
}

func TestDeletedHistoryGoesAlone(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.addPipeline(map[string]mlops.Step{"quick": sh("true")})
	first := e.run("1")
	second := e.updated(first.Ref, "2")
	third := e.updated(second.Ref, "3")
	if err := e.Delete(e.ctx, second.Ref); err != nil {
		t.Fatal(err)
	}
	e.gone(second.Ref)
	for _, ref := range []mlops.ID{first.Ref, third.Ref} {
		if o, err := e.Get(e.ctx, ref); err != nil || o.Phase != mlops.PhaseReady {
			t.Errorf("%s went with a run of the history: %s, %v", ref, o.Phase, err)
		}
	}
}

// updated updates a run and waits for the successor's end.
func (e *engine) updated(ref mlops.ID, trigger string) observed {
	e.t.Helper()
	change, err := e.Update(e.ctx, ref, request(trigger))
	if err != nil {
		e.t.Fatal(err)
	}
	return e.ended(change.Ref)
}

func TestPipelineThatIsBeingDeletedRunsNoMore(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.addPipeline(map[string]mlops.Step{"quick": sh("true")})
	_, err := e.store.Pipelines().Change(e.ctx, pipeline, func(_ *store.Tx, r *store.Record[mlops.PipelineSpec, mlops.PipelineStatus]) error {
		r.Phase = mlops.PhaseDeleting
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Create(e.ctx, request("1")); mlops.CodeOf(err) != mlops.Conflict {
		t.Errorf("a run of a pipeline that is being deleted: %v, want conflict", err)
	}
}

// TestDetachedRunIsNobodys proves that a run that no configuration has is left
// to retention, and that asking for it again finds it.
func TestDetachedRunIsNobodys(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.addPipeline(map[string]mlops.Step{"a": sh("true")})
	spec := mlops.PipelineRunSpec{Pipeline: pipeline, Triggers: map[string]string{"action": "1"}, Detached: true}
	var refs []mlops.ID
	for range 2 {
		change, err := e.Create(e.ctx, spec)
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, change.Ref)
	}
	r, err := e.store.Runs().Get(e.ctx, refs[0])
	if err != nil || r.Owner != "" || refs[0] != refs[1] {
		t.Errorf("the runs are %v, of %q: %v", refs, r.Owner, err)
	}
}
