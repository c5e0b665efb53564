package mlopstest

import (
	"maps"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// gatedSpec is a pipeline of which publish runs when all of the given conditions
// hold, announce with its output and archive behind it, and audit always. train
// measures an accuracy of 0.9.
func (l *lab) gatedSpec(when ...string) mlops.PipelineSpec {
	s := l.pipelineSpec(l.fresh())
	text := func(v string) *string { return &v }
	s.Parameters = map[string]mlops.Parameter{
		"live": {Type: "boolean", Default: text("true")}, "mode": {Type: "string", Default: text("full")},
		"depth": {Type: "integer", Default: text("4")}, "floor": {Type: "number", Default: text("0.5")}, "note": {Type: "string", Default: text("")},
	}
	write := func(output string) mlops.Step {
		return mlops.Step{Command: []string{"sh", "-c", `printf done > "$MLOPS_OUTPUT_` + mlops.EnvName(output) + `"`}, Outputs: []string{output}}
	}
	publish, announce, archive := write("page"), write("mail"), write("copy")
	publish.When = when
	publish.Inputs = map[string]string{"model": "{{steps.train.outputs.model}}"}
	announce.Inputs = map[string]string{"page": "{{steps.publish.outputs.page}}"}
	archive.After = []string{"announce"}
	s.Steps["publish"], s.Steps["announce"], s.Steps["archive"], s.Steps["audit"] = publish, announce, archive, write("log")
	return l.world.Pipeline(s)
}

// ranGated runs a pipeline with parameters, and waits for the end.
func (l *lab) ranGated(s mlops.PipelineSpec, parameters map[string]string) (observed, mlops.PipelineRunStatus) {
	l.Helper()
	spec := l.runSpec(l.fresh())
	spec.Pipeline, spec.Parameters = l.create(pipelineNoun(), s).Ref, parameters
	change, err := l.kind(pipelineRunNoun()).Create(l.Context(), spec)
	if err != nil {
		l.Fatalf("create a run: %v", err)
	}
	seen := l.settled(pipelineRunNoun(), change.Ref)
	return seen, as[mlops.PipelineRunStatus](seen.Status)
}

// decides reports whether the platform has conditions at all.
func (l *lab) decides() bool {
	return l.harness.Factory.Capabilities.Supports(mlops.FeaturePipelineWhen)
}

// TestConditionsHold proves that a step whose conditions all hold runs, and so does
// what needs it, whatever types are compared.
func (suite) TestConditionsHold(l *lab) {
	if !l.decides() {
		return
	}
	seen, status := l.ranGated(l.gatedSpec(
		"{{steps.train.metrics.accuracy}} >= 0.9", "{{steps.train.metrics.accuracy}} == 0.90", "{{steps.train.metrics.accuracy}} != 1",
		"{{steps.train.metrics.accuracy}} > {{params.floor}}", "1 > {{steps.train.metrics.accuracy}}",
		"{{params.live}} == true", "{{params.live}} != false", "{{params.mode}} == full", "{{params.mode}} != 'half a day'",
		"{{params.depth}} <= 5", "{{params.depth}} == 5", "{{params.depth}} != 4", "{{params.floor}} < {{params.depth}}", "{{params.note}} == ''",
	), map[string]string{"depth": "5"})
	if seen.Phase != mlops.PhaseReady || status.State != mlops.RunSucceeded {
		l.Fatalf("the run is %s, %s: %s", seen.Phase, status.State, seen.Reason)
	}
	want := []string{"announce.mail", "archive.copy", "audit.log", "publish.page", "train.data", "train.metrics", "train.model"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(status.Outputs))); diff != "" {
		l.Errorf("outputs (-want +got):\n%s", diff)
	}
	for step, run := range status.Steps {
		if run.State != mlops.RunSucceeded {
			l.Errorf("step %s is %s: %s", step, run.State, run.Reason)
		}
	}
	if len(status.Steps) != 5 {
		l.Errorf("the run shows %d steps, want the pipeline's own 5: %v", len(status.Steps), status.Steps)
	}
}

// TestConditionsDoNotHold proves that a step is skipped by one condition that does
// not hold, with all that needs it, and that the run succeeds without their outputs.
func (suite) TestConditionsDoNotHold(l *lab) {
	if !l.decides() {
		return
	}
	for name, when := range map[string][]string{
		"a metric":      {"{{params.live}} == true", "{{steps.train.metrics.accuracy}} > 0.9"},
		"a boolean":     {"{{params.live}} == false"},
		"another":       {"{{steps.train.metrics.accuracy}} == 0.9", "{{params.live}} != true"},
		"text":          {"{{params.mode}} == half"},
		"other text":    {"{{params.mode}} != 'full'"},
		"an integer":    {"{{params.depth}} < 4"},
		"a number":      {"{{params.floor}} == 0.6"},
		"not a number":  {"{{steps.train.metrics.accuracy}} != 0.9"},
		"an empty text": {"{{params.note}} != ''"},
	} {
		seen, status := l.ranGated(l.gatedSpec(when...), nil)
		if seen.Phase != mlops.PhaseReady || status.State != mlops.RunSucceeded {
			l.Errorf("%s: the run is %s, %s: %s", name, seen.Phase, status.State, seen.Reason)
			continue
		}
		want := []string{"audit.log", "train.data", "train.metrics", "train.model"}
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(status.Outputs))); diff != "" {
			l.Errorf("%s: outputs (-want +got):\n%s", name, diff)
		}
		l.wantSkipped(name, status, when[len(when)-1])
	}
}

// wantSkipped checks the states of a gated run's steps, and that the reason names
// the condition.
func (l *lab) wantSkipped(name string, status mlops.PipelineRunStatus, condition string) {
	l.Helper()
	got := map[string]mlops.RunState{}
	for step, run := range status.Steps {
		got[step] = run.State
		if run.State == mlops.RunSkipped && run.Reason == "" {
			l.Errorf("%s: step %s was skipped without a reason", name, step)
		}
	}
	want := map[string]mlops.RunState{
		"train": mlops.RunSucceeded, "audit": mlops.RunSucceeded,
		"publish": mlops.RunSkipped, "announce": mlops.RunSkipped, "archive": mlops.RunSkipped,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		l.Errorf("%s: steps (-want +got):\n%s", name, diff)
	}
	if reason := status.Steps["publish"].Reason; !strings.Contains(reason, condition) {
		l.Errorf("%s: publish was skipped because %q, want it to name %q", name, reason, condition)
	}
}

// TestConditionWithoutMetric proves that a metric which a step did not write fails
// the run, by its name.
func (suite) TestConditionWithoutMetric(l *lab) {
	if !l.decides() {
		return
	}
	seen, status := l.ranGated(l.gatedSpec("{{steps.train.metrics.recall}} > 0.5"), nil)
	if seen.Phase != mlops.PhaseFailed || status.State != mlops.RunFailed || !strings.Contains(seen.Reason, "recall") || !strings.Contains(seen.Reason, "publish") {
		l.Errorf("the run is %s, %s: %q; want it failed, with the names of metric and step", seen.Phase, status.State, seen.Reason)
	}
}

// TestConditionsThatMeet proves that a step which needs two that are decided apart
// runs only where both do.
func (suite) TestConditionsThatMeet(l *lab) {
	if !l.decides() {
		return
	}
	for _, tt := range []struct {
		depth string
		want  mlops.RunState
	}{{"1", mlops.RunSucceeded}, {"9", mlops.RunSkipped}} {
		s := l.gatedSpec("{{steps.train.metrics.accuracy}} >= 0.5")
		audit, archive := s.Steps["audit"], s.Steps["archive"]
		audit.When = []string{"{{params.depth}} < 5"}
		archive.After = []string{"announce", "audit"}
		s.Steps["audit"], s.Steps["archive"] = audit, archive
		seen, status := l.ranGated(s, map[string]string{"depth": tt.depth})
		if seen.Phase != mlops.PhaseReady || status.Steps["archive"].State != tt.want || status.Steps["audit"].State != tt.want || status.Steps["announce"].State != mlops.RunSucceeded {
			l.Errorf("depth %s: the run is %s (%s), its steps %v", tt.depth, seen.Phase, seen.Reason, status.Steps)
		}
	}
}

// TestBadConditions proves that the backend checks conditions at its own front door.
func (suite) TestBadConditions(l *lab) {
	if !l.decides() {
		return
	}
	for _, when := range []string{"{{params.lives}} == true", "{{steps.audit.metrics.accuracy}} > 0", "{{params.mode}} < full", "maybe"} {
		l.refuses(pipelineNoun(), l.gatedSpec(when), mlops.Invalid)
	}
}
