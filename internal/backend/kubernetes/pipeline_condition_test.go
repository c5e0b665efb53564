package kubernetes

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// gated is a pipeline of which tell runs if conditions hold, and last comes after it.
func gated(when ...string) mlops.PipelineSpec {
	return mlops.PipelineSpec{
		Environment: "kubernetes/lab/bench", Name: "train",
		Parameters: map[string]mlops.Parameter{
			"text": {Type: "string"}, "item": {Type: "string"}, "whole": {Type: "integer"}, "share": {Type: "number"}, "live": {Type: "boolean"},
		},
		Steps: map[string]mlops.Step{
			"fit_it": {Command: []string{"fit"}, Outputs: []string{"metrics"}},
			"tell":   {Command: []string{"tell"}, After: []string{"fit_it"}, When: when},
			"last":   {Command: []string{"last"}, After: []string{"tell"}},
		},
	}
}

// TestWhen proves how conditions are written for Argo, whose own validation takes them.
func TestWhen(t *testing.T) {
	t.Parallel()
	metric := `asFloat(jsonpath(tasks["` + nativeStep("fit_it") + `"].outputs.parameters.metrics, "$['roc-auc']"))`
	for _, test := range []struct {
		name string
		when []string
		want string
	}{
		{"text", []string{"{{params.text}} == 'a b'"}, `{{=workflow.parameters["text"] == "a b"}}`},
		{"braces", []string{`{{params.text}} != "}} {{=1}} \'"`}, `{{=workflow.parameters["text"] != "\x7d\x7d \x7b\x7b=1\x7d\x7d \\'"}}`},
		{"boolean", []string{"{{params.live}} == true"}, `{{=workflow.parameters["live"] == "true"}}`},
		{"integers", []string{"{{params.whole}} <= 5"}, `{{=asInt(workflow.parameters["whole"]) <= asInt("5")}}`},
		{"numbers", []string{"{{params.whole}} > {{params.share}}"}, `{{=asFloat(workflow.parameters["whole"]) > asFloat(workflow.parameters["share"])}}`},
		{"metric", []string{"0.5 < {{steps.fit_it.metrics.roc-auc}}"}, `{{=asFloat("0.5") < ` + metric + `}}`},
		{"two", []string{"{{params.live}} == true", "{{params.whole}} != 1"}, `{{=workflow.parameters["live"] == "true" && asInt(workflow.parameters["whole"]) != asInt("1")}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			spec := gated(test.when...)
			got := map[string][2]string{} // what a task comes after, and when it runs
			l := storedIn(mlops.Settings{targetStorage: "s3://bucket"})
			c, err := newCompiler(l, spec)
			if err != nil {
				t.Fatal(err)
			}
			compiled, err := c.compile()
			if err != nil {
				t.Fatal(err)
			}
			for _, task := range compiled.Templates[0].DAG.Tasks {
				got[task.Name] = [2]string{task.Depends + strings.Join(task.Dependencies, ""), task.When}
			}
			fit := nativeStep("fit_it")
			want := map[string][2]string{fit: {}, "tell": {fit + ".Succeeded", test.want}, "last": {"tell.Succeeded"}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("tasks (-want +got):\n%s", diff)
			}
			if err := kubetest.CheckWorkflows(t, manifestText(t, compiledAs(t, l, spec)...)); err != nil {
				t.Errorf("Argo refuses it: %v", err)
			}
		})
	}
}

// TestDecidedByArgo proves that Argo's controller decides as the contract does, of
// values that look like its own language, of numbers that a float does not tell apart,
// and of names that mean something to it.
func TestDecidedByArgo(t *testing.T) {
	t.Parallel()
	e := plant(t, nil)
	control.Play(t, e.spec.Name, func(pod *unstructured.Unstructured) kubetest.Outcome {
		out := playStep(pod)
		out.Outputs = map[string]string{"metrics": `{"roc-auc": 0.75, "rounds": 10}`}
		return out
	})
	odd := `}} {{=1 == 1}} "x" \ ` + "\n$(y) ü🚀"
	values := map[string]string{"text": odd, "item": `it's 'x' || true`, "whole": "9007199254740993", "share": "1e1", "live": "false"}
	holds := []string{
		"{{params.text}} == {{params.text}}", "{{params.text}} != '}} {{=1 == 1}}'", "{{params.text}} != {{params.item}}", `{{params.item}} == "it's 'x' || true"`,
		"{{params.whole}} != 9007199254740992", "{{params.whole}} > 9007199254740992", "{{params.share}} == 10", "{{params.share}} == {{steps.fit_it.metrics.rounds}}",
		"{{steps.fit_it.metrics.roc-auc}} < {{steps.fit_it.metrics.rounds}}", "{{steps.fit_it.metrics.roc-auc}} >= .75", "{{params.live}} == false",
	}
	for _, test := range []struct {
		name string
		when []string
		want mlops.RunState
	}{
		{"holds", holds, mlops.RunSucceeded},
		{"text", append(slices.Clip(holds), "{{params.item}} == x"), mlops.RunSkipped},
		{"integer", []string{"{{params.whole}} == 9007199254740992"}, mlops.RunSkipped},
		{"number", []string{"{{params.share}} > {{steps.fit_it.metrics.rounds}}"}, mlops.RunSkipped},
	} {
		spec := gated(test.when...)
		spec.Environment, spec.Name = e.spec.ID, "gated-"+test.name
		change, err := e.Pipelines().Create(t.Context(), spec)
		e.must(err)
		seen := e.run(mlops.PipelineRunSpec{Pipeline: change.Ref, Parameters: values})
		steps := seen.Status.Steps
		if seen.Phase != mlops.PhaseReady || steps["tell"].State != test.want || steps["last"].State != test.want {
			t.Errorf("%s: it is %s (%s), with %+v", test.name, seen.Phase, seen.Reason, steps)
		}
		if skipped := test.want == mlops.RunSkipped; skipped != (seen.Status.Lineage.Steps["tell"].Code == "") || skipped && !strings.Contains(steps["last"].Reason, `"tell"`) {
			t.Errorf("%s: last is %+v, lineage is %+v", test.name, steps["last"], seen.Status.Lineage.Steps)
		}
	}
}

// TestOmitted proves that of steps which Argo omits those were skipped that come after a
// skipped one, and not those after one that failed: also in runs of a schedule, of
// which nothing is remembered.
func TestOmitted(t *testing.T) {
	t.Parallel()
	node := func(id, phase string, children ...string) nodeStatus {
		return nodeStatus{ID: id, Name: id, Type: nodeSkipped, Phase: phase, Message: "Argo's", Children: children}
	}
	failed := node("fail", phaseFailed, "behind-failed")
	failed.Type = nodePod
	run := seenRun{status: workflowStatus{Nodes: map[string]nodeStatus{
		"fail": failed, "behind-failed": node("behind-failed", phaseOmitted),
		"skip": node("skip", phaseSkipped, "z"), "z": node("z", phaseOmitted, "a"), "a": node("a", phaseOmitted),
	}}}
	got := map[string]string{}
	for name, step := range run.steps() {
		got[name] = string(step.State) + ": " + step.Reason
	}
	want := map[string]string{
		"fail": "failed: Argo's", "behind-failed": "cancelled: Argo's", "skip": "skipped: Argo's",
		"z": `skipped: step "skip", which it needs, was skipped`, "a": `skipped: step "z", which it needs, was skipped`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}
