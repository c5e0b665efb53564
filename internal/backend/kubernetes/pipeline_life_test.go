package kubernetes

import (
	"encoding/json"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// look looks at a pipeline.
func (e estate) lookAt(ref mlops.ID) pipelineObserved {
	e.Helper()
	seen, err := e.Pipelines().Get(e.Context(), ref)
	e.must(err)
	return seen
}

// planned returns what a plan of a pipeline says, as "path: detail".
func (e estate) planned(spec mlops.PipelineSpec) []string {
	e.Helper()
	c := mlops.NewChecker()
	e.must(pipelineKind{e.backend}.Preflight(e.Context(), spec, c))
	var out []string
	for _, p := range c.Problems() {
		out = append(out, p.Path.String()+": "+p.Detail)
	}
	return out
}

// nightly is a schedule that does not fire while a test runs.
func nightly() *mlops.Schedule {
	return &mlops.Schedule{Cron: "0 3 1 1 *", Timezone: "Australia/Sydney"}
}

// TestPipelineDrift proves that what somebody changed with kubectl is a difference from
// the configuration, and that the next apply brings back what was.
func TestPipelineDrift(t *testing.T) {
	t.Parallel()
	e := plant(t, nil)
	spec := e.pipeline(mlops.PipelineSpec{Steps: chain(), Schedule: nightly()})
	template, cron := e.ref("workflowtemplates.argoproj.io", "train"), e.ref("cronworkflows.argoproj.io", "train")
	wanted := mlops.DigestOf(spec)
	for _, test := range []struct {
		name   string
		change func()
		seen   func(mlops.PipelineSpec) bool
	}{
		{"a step", func() { control.Patch(t, template, `{spec: {parallelism: 7}}`) }, func(s mlops.PipelineSpec) bool {
			return s.Steps == nil && strings.Contains(s.Definition, `"parallelism":7`)
		}},
		{"the schedule", func() { control.Patch(t, cron, `{spec: {suspend: true}}`) }, func(s mlops.PipelineSpec) bool { return s.Schedule == nil }},
		{"no schedule", func() { control.Delete(t, cron) }, func(s mlops.PipelineSpec) bool { return s.Schedule == nil }},
	} {
		if got := e.lookAt(spec.ID()); mlops.DigestOf(got.Spec) != wanted || got.Phase != mlops.PhaseReady {
			t.Fatalf("before %s was changed it is %s: %s", test.name, got.Phase, got.Reason)
		}
		test.change()
		got := e.lookAt(spec.ID())
		if !test.seen(got.Spec) || got.Reason == "" || got.Revision != "" {
			t.Errorf("after a change of %s it is %q: %s, %+v", test.name, got.Revision, got.Reason, got.Spec)
		}
		_, err := e.Pipelines().Update(t.Context(), spec.ID(), spec)
		if e.is(err, mlops.Conflict) { // a field that somebody else set is theirs
			if !strings.Contains(err.Error(), "kubetest") {
				t.Errorf("the conflict does not say with whom: %v", err)
			}
			forced := openAs("us")
			forced.options.Settings[settingForce] = true
			_, err = forced.Pipelines().Update(t.Context(), spec.ID(), spec)
		}
		e.must(err)
	}
}

// TestPipelineSchedule proves what a schedule is to Argo, in each of its states, and
// that Argo's own validation takes it.
func TestPipelineSchedule(t *testing.T) {
	t.Parallel()
	e := plant(t, nil)
	five := "5"
	spec := e.pipeline(mlops.PipelineSpec{
		Steps: chain(), Schedule: nightly(), Parameters: map[string]mlops.Parameter{"depth": {Type: "integer", Default: &five}},
	})
	ref := e.ref("cronworkflows.argoproj.io", "train")
	cron := control.Get(t, ref)
	if kubetest.Text(cron, "spec", "timezone") != "Australia/Sydney" || kubetest.Text(cron, "spec", "concurrencyPolicy") != "Forbid" {
		t.Errorf("the schedule is %v", cron.Object["spec"])
	}
	var all []string
	for _, o := range []*unstructured.Unstructured{cron, control.Get(t, e.ref("workflowtemplates.argoproj.io", "train"))} {
		unstructured.RemoveNestedField(o.Object, "status")
		text, err := json.Marshal(o.Object)
		e.must(err)
		all = append(all, string(text))
	}
	if err := kubetest.CheckWorkflows(t, strings.Join(all, "\n---\n")); err != nil {
		t.Error(err)
	}
	spec.Schedule = &mlops.Schedule{Cron: "0 3 1 1 *", Timezone: "Australia/Sydney", Disabled: true}
	_, err := e.Pipelines().Update(t.Context(), spec.ID(), spec)
	e.must(err)
	if suspended, _, _ := unstructured.NestedBool(control.Get(t, ref).Object, "spec", "suspend"); !suspended {
		t.Error("a schedule that is disabled is not suspended")
	}
	spec.Schedule = nil
	_, err = e.Pipelines().Update(t.Context(), spec.ID(), spec)
	e.must(err)
	control.WaitGone(t, ref)
}

// TestScheduledRun proves that a run that Argo's controller starts by the schedule is
// one of the pipeline's, and goes with it.
func TestScheduledRun(t *testing.T) {
	t.Parallel()
	e := plant(t, nil)
	spec := e.pipeline(mlops.PipelineSpec{Steps: chain(), Schedule: &mlops.Schedule{Cron: "* * * * *"}})
	var runs []runObserved
	for range 2 { // the minute may be nearly over a patience's time
		e.settle("scheduled", func() bool {
			var err error
			runs, err = pipelineRunKind{e.backend}.List(t.Context(), spec.ID())
			e.must(err)
			return len(runs) > 0
		})
	}
	seen := e.ended(runs[0].Ref)
	if seen.Status.State != mlops.RunSucceeded || !seen.Spec.Detached || seen.Status.Metrics["accuracy"] != 0.9 {
		t.Errorf("the scheduled run is %+v: %s", seen.Status, seen.Reason)
	}
	e.must(e.Pipelines().Delete(t.Context(), spec.ID()))
	e.gone(spec.ID())
	control.WaitGone(t, e.workflow(seen.Status.Run))
	control.WaitGone(t, e.ref("cronworkflows.argoproj.io", "train"))
}

// TestPipelinePlans proves what a plan is refused for, each with its path, and that
// nothing is made.
func TestPipelinePlans(t *testing.T) {
	t.Parallel()
	e := plant(t, nil)
	control.Apply(t, e.spec.Name, `{apiVersion: argoproj.io/v1alpha1, kind: WorkflowTemplate, metadata: {name: theirs}, spec: {entrypoint: a, templates: [{name: a, container: {image: x, command: [x]}}]}}`)
	good := func(change func(*mlops.PipelineSpec)) mlops.PipelineSpec {
		s := mlops.PipelineSpec{Environment: e.spec.ID, Name: "plan", Parameters: map[string]mlops.Parameter{}, Steps: chain()}
		change(&s)
		return s
	}
	step := func(s mlops.Step) func(*mlops.PipelineSpec) {
		return func(p *mlops.PipelineSpec) { p.Steps = map[string]mlops.Step{"a": s} }
	}
	for _, test := range []struct {
		name string
		spec mlops.PipelineSpec
		want string
	}{
		{"good", good(func(*mlops.PipelineSpec) {}), ""},
		{"taken", good(func(s *mlops.PipelineSpec) { s.Name = "theirs" }), "name: "},
		{"cron", good(func(s *mlops.PipelineSpec) { s.Schedule = &mlops.Schedule{Cron: "0 25 * * *"} }), "schedule.cron: "},
		{"no default", good(func(s *mlops.PipelineSpec) {
			s.Parameters, s.Schedule = map[string]mlops.Parameter{"must": {Type: "string"}}, nightly()
		}), "schedule: "},
		{"variable", good(step(mlops.Step{Command: []string{"x"}, Env: map[string]string{"A=B": ""}})), `steps["a"].env["A=B"]: `},
		{"machine", good(step(mlops.Step{Command: []string{"x"}, Compute: &mlops.Compute{Native: "a b"}})), `steps["a"].compute.native: `},
		{"place", good(step(mlops.Step{Command: []string{"x"}, Inputs: map[string]string{"in": "ftp://host/x"}})), `steps["a"].inputs["in"]: `},
		{"experiment", good(func(s *mlops.PipelineSpec) { s.Experiment = e.spec.ID.Child(mlops.NounExperiment, "x") }), "experiment: "},
	} {
		got := e.planned(test.spec)
		if test.want == "" && len(got) > 0 || test.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], test.want)) {
			t.Errorf("%s: problems are %q, want %q", test.name, got, test.want)
		}
	}
	if control.Exists(t, e.ref("workflowtemplates.argoproj.io", "plan")) {
		t.Error("a plan made something")
	}
	_, err := e.Pipelines().Create(t.Context(), good(func(s *mlops.PipelineSpec) { s.Name = "theirs" }))
	e.wantCode("to make one of another's name", err, mlops.AlreadyExists)
}
