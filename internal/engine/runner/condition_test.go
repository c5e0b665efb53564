//go:build unix

package runner_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// gated are steps of which publish runs if a condition holds, and announce if
// publish did.
func gated(when, measured string) map[string]mlops.Step {
	publish := sh(`echo published >"$MLOPS_OUTPUT_PAGE"`, "page")
	publish.When = []string{when}
	announce := sh(`cp "$MLOPS_INPUT_PAGE" "$MLOPS_OUTPUT_MAIL"`, "mail")
	announce.Inputs = map[string]string{"page": "{{steps.publish.outputs.page}}"}
	return map[string]mlops.Step{
		"evaluate": sh(`echo '`+measured+`' >"$MLOPS_OUTPUT_METRICS"`, "metrics"),
		"publish":  publish,
		"announce": announce,
		"tidy":     sh("true"),
	}
}

// states are how the steps of a run ended.
func states(o observed) map[string]mlops.RunState {
	all := map[string]mlops.RunState{}
	for name, step := range o.Status.Steps {
		all[name] = step.State
	}
	return all
}

func outputs(o observed) []string {
	var all []string
	for name := range o.Status.Outputs {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func TestConditionHolds(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.addPipeline(gated("{{steps.evaluate.metrics.accuracy}} >= 0.9", `{"accuracy": 0.9}`))
	o := e.run("1")
	wantState(t, o, mlops.RunSucceeded)
	if diff := cmp.Diff([]string{"announce.mail", "evaluate.metrics", "publish.page"}, outputs(o)); diff != "" {
		t.Error("outputs (-want +got):", diff)
	}
}

func TestConditionDoesNotHold(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.addPipeline(gated("{{steps.evaluate.metrics.accuracy}} >= 0.9", `{"accuracy": 0.85}`))
	for _, trigger := range []string{"1", "2"} { // the second time, the metric comes from the cache
		o := e.run(trigger)
		wantState(t, o, mlops.RunSucceeded)
		if o.Phase != mlops.PhaseReady {
			t.Errorf("phase is %s: %s", o.Phase, o.Reason)
		}
		want := map[string]mlops.RunState{
			"evaluate": mlops.RunSucceeded, "publish": mlops.RunSkipped, "announce": mlops.RunSkipped, "tidy": mlops.RunSucceeded,
		}
		if diff := cmp.Diff(want, states(o)); diff != "" {
			t.Error("states (-want +got):", diff)
		}
		if got, want := o.Status.Steps["publish"].Reason, "{{steps.evaluate.metrics.accuracy}} >= 0.9 does not hold: 0.85 >= 0.9"; got != want {
			t.Errorf("got the reason %q, want %q", got, want)
		}
		if got, want := o.Status.Steps["announce"].Reason, `step "publish", which it needs, was skipped`; got != want {
			t.Errorf("got the reason %q, want %q", got, want)
		}
		if diff := cmp.Diff([]string{"evaluate.metrics"}, outputs(o)); diff != "" {
			t.Error("outputs (-want +got):", diff)
		}
		if _, ok := o.Status.Lineage.Steps["publish"]; ok {
			t.Error("there is evidence of a step that did not run")
		}
	}
}

func TestConditionOfAMissingMetric(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.addPipeline(gated("{{steps.evaluate.metrics.accurate}} >= 0.9", `{"accuracy": 0.95}`))
	o := e.run("1")
	wantState(t, o, mlops.RunFailed)
	wantReason(t, o, `step "publish" was not started`, `step "evaluate" wrote no metric "accurate"`, `Did you mean "accuracy"?`)
	if got := states(o); got["publish"] != mlops.RunFailed || got["announce"] != mlops.RunCancelled {
		t.Errorf("got %v", got)
	}
}

// TestSkippedSurvivesAKill proves that an engine which was killed after a step was
// skipped goes on from there: what was decided stays.
func TestSkippedSurvivesAKill(t *testing.T) {
	t.Parallel()
	e := prepareEngine(t, t.TempDir())
	count, open := filepath.Join(e.dir, "count"), filepath.Join(e.dir, "open")
	steps := gated("{{steps.evaluate.metrics.accuracy}} >= 0.9", `{"accuracy": 0.85}`)
	hold := sh(note(count) + gate(open))
	hold.After = []string{"evaluate"}
	late := sh("true")
	late.After = []string{"hold", "publish"}
	steps["hold"], steps["late"] = hold, late
	e.addPipeline(steps)
	ref := e.create("1")
	killed := startChild(t, e.dir)
	e.running(ref, "hold")
	before := e.until(ref, "the step to be skipped", func(o observed) bool { return o.Status.Steps["announce"].State == mlops.RunSkipped })
	eventually(t, "the step to have begun", func() bool { return lines(t, count) == 1 })
	killed.kill()
	touch(t, open)
	startChild(t, e.dir)
	o := e.ended(ref)
	wantState(t, o, mlops.RunSucceeded)
	want := map[string]mlops.RunState{
		"evaluate": mlops.RunSucceeded, "publish": mlops.RunSkipped, "announce": mlops.RunSkipped, "tidy": mlops.RunSucceeded,
		"hold": mlops.RunSucceeded, "late": mlops.RunSkipped,
	}
	if diff := cmp.Diff(want, states(o)); diff != "" {
		t.Error("states (-want +got):", diff)
	}
	if diff := cmp.Diff(before.Status.Steps["publish"], o.Status.Steps["publish"]); diff != "" {
		t.Error("it was decided again:", diff)
	}
}
