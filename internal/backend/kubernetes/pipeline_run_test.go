package kubernetes

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// plant is an environment with Argo's controller at work, whose steps do as playStep
// says unless a test says otherwise.
func plant(t *testing.T, settings mlops.Settings) estate {
	t.Helper()
	control.Start(t, kubetest.Argo)
	all := mlops.Settings{targetStorage: "s3://bucket"}
	maps.Copy(all, settings)
	e := newEstate(t, all)
	control.Play(t, e.spec.Name, playStep)
	e.apply()
	return e
}

// pipeline makes a pipeline.
func (e estate) pipeline(spec mlops.PipelineSpec) mlops.PipelineSpec {
	e.Helper()
	spec.Environment, spec.Name = e.spec.ID, "train"
	if spec.Parameters == nil {
		spec.Parameters = map[string]mlops.Parameter{}
	}
	_, err := e.Pipelines().Create(e.Context(), spec)
	e.must(err)
	return spec
}

// run starts a run and waits for its end.
func (e estate) run(spec mlops.PipelineRunSpec) runObserved {
	e.Helper()
	change, err := e.PipelineRuns().Create(e.Context(), spec)
	e.must(err)
	return e.ended(change.Ref)
}

// ended waits for the end of a run.
func (e estate) ended(ref mlops.ID) (seen runObserved) {
	e.Helper()
	e.settle("ended: "+string(ref), func() bool {
		var err error
		seen, err = e.PipelineRuns().Get(e.Context(), ref)
		e.must(err)
		return seen.Phase == mlops.PhaseReady || seen.Phase == mlops.PhaseFailed
	})
	return seen
}

func (e estate) workflow(run string) kubetest.Ref {
	return e.ref("workflows.argoproj.io", run)
}

// chain is two steps, of which the second reads what the first writes.
func chain() map[string]mlops.Step {
	return map[string]mlops.Step{
		"prepare": {Command: []string{"prepare"}, Outputs: []string{"data"}},
		"fit_it":  {Command: []string{"fit"}, Inputs: map[string]string{"data": "{{steps.prepare.outputs.data}}"}, Outputs: []string{"model", "metrics"}},
	}
}

// TestRunResult proves what a run that succeeded shows, and that Argo's own validation
// takes the template and the workflow as they are in the cluster.
func TestRunResult(t *testing.T) {
	t.Parallel()
	e := plant(t, nil)
	four := "4"
	p := e.pipeline(mlops.PipelineSpec{Parameters: map[string]mlops.Parameter{"depth": {Type: "integer", Default: &four}, "word": {Type: "string"}}, Steps: chain()})
	seen := e.run(mlops.PipelineRunSpec{Pipeline: p.ID(), Parameters: map[string]string{"word": "{{x}} $(y)"}})
	status := seen.Status
	at := "s3://bucket/runs/train/" + status.Run
	want := map[string]string{"prepare.data": at + "/prepare/data", "fit_it.model": at + "/fit_it/model", "fit_it.metrics": at + "/fit_it/metrics"}
	if diff := cmp.Diff(want, status.Outputs); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]float64{"accuracy": 0.9}, status.Metrics); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if status.State != mlops.RunSucceeded || status.StartedAt.IsZero() || status.FinishedAt.Before(status.StartedAt) || len(status.Steps) != 2 {
		t.Errorf("status is %+v", status)
	}
	l := status.Lineage
	if l == nil || l.PipelineVersion != p.Version() || l.Parameters["depth"] != "4" || l.Steps["fit_it"].Code == "" {
		t.Errorf("lineage is %+v", l)
	}
	var all []string
	for _, ref := range []kubetest.Ref{e.ref("workflowtemplates.argoproj.io", "train"), e.workflow(status.Run)} {
		o := control.Get(t, ref)
		unstructured.RemoveNestedField(o.Object, "status")
		text, err := json.Marshal(o.Object)
		e.must(err)
		all = append(all, string(text))
	}
	if err := kubetest.CheckWorkflows(t, strings.Join(all, "\n---\n")); err != nil {
		t.Error(err)
	}
}

// TestRunFails proves that a step that fails is a run that failed, with Argo's reason,
// that others are not started, and that asking again runs again.
func TestRunFails(t *testing.T) {
	t.Parallel()
	e := plant(t, nil)
	steps := chain()
	steps["prepare"] = mlops.Step{Command: []string{"false"}, Outputs: []string{"data"}, Retry: &mlops.Retry{Attempts: 2}}
	p := e.pipeline(mlops.PipelineSpec{Steps: steps})
	spec := mlops.PipelineRunSpec{Pipeline: p.ID()}
	seen := e.run(spec)
	prepare := seen.Status.Steps["prepare"]
	if seen.Phase != mlops.PhaseFailed || seen.Status.State != mlops.RunFailed || !strings.Contains(seen.Reason, `step "prepare": `) || !strings.Contains(seen.Reason, "exit code 3") {
		t.Errorf("it is %s (%s): %q", seen.Phase, seen.Status.State, seen.Reason)
	}
	if prepare.State != mlops.RunFailed || prepare.Attempt != 2 || seen.Status.Steps["fit_it"].State == mlops.RunSucceeded {
		t.Errorf("steps are %+v", seen.Status.Steps)
	}
	again := e.run(spec)
	if again.Ref == seen.Ref {
		t.Errorf("asked again it is the same run, %s", again.Ref)
	}
	third, err := e.PipelineRuns().Update(t.Context(), again.Ref, spec)
	if err != nil || third.Ref == again.Ref {
		t.Errorf("updated it is %s, %v; want another run", third.Ref, err)
	}
}

// TestRunRetries proves that a step that fails once and is repeated is a success.
func TestRunRetries(t *testing.T) {
	t.Parallel()
	e := plant(t, nil)
	control.Play(t, e.spec.Name, func(pod *unstructured.Unstructured) kubetest.Outcome {
		if strings.HasSuffix(pod.GetAnnotations()["workflows.argoproj.io/node-name"], "(0)") {
			return kubetest.Outcome{ExitCode: 1}
		}
		return playStep(pod)
	})
	p := e.pipeline(mlops.PipelineSpec{Steps: map[string]mlops.Step{
		"fit": {Command: []string{"fit"}, Outputs: []string{"metrics"}, Retry: &mlops.Retry{Attempts: 3, Backoff: mlops.Duration(time.Second)}},
	}})
	seen := e.run(mlops.PipelineRunSpec{Pipeline: p.ID()})
	if step := seen.Status.Steps["fit"]; seen.Phase != mlops.PhaseReady || step.Attempt != 2 || seen.Status.Metrics["accuracy"] != 0.9 {
		t.Errorf("it is %s (%s) with %+v and %v", seen.Phase, seen.Reason, step, seen.Status.Metrics)
	}
}

// TestBadMetrics proves that metrics that are none make a run one that failed.
func TestBadMetrics(t *testing.T) {
	t.Parallel()
	e := plant(t, nil)
	control.Play(t, e.spec.Name, func(*unstructured.Unstructured) kubetest.Outcome {
		return kubetest.Outcome{Outputs: map[string]string{"metrics": `{"accuracy": "high"}`}}
	})
	p := e.pipeline(mlops.PipelineSpec{Steps: map[string]mlops.Step{"fit": {Command: []string{"fit"}, Outputs: []string{"metrics"}}}})
	seen := e.run(mlops.PipelineRunSpec{Pipeline: p.ID()})
	if seen.Phase != mlops.PhaseFailed || !strings.Contains(seen.Reason, `"accuracy" is a string`) {
		t.Errorf("it is %s: %q", seen.Phase, seen.Reason)
	}
}

// TestCachedStep proves that a step that ran before with the same inputs is left out
// where the environment lets Argo remember, and that its outputs are then the earlier
// run's.
func TestCachedStep(t *testing.T) {
	t.Parallel()
	e := plant(t, mlops.Settings{targetController: "argo/argo"})
	steps := chain()
	last := steps["fit_it"]
	last.NoCache = true
	steps["fit_it"] = last
	p := e.pipeline(mlops.PipelineSpec{Steps: steps})
	first := e.run(mlops.PipelineRunSpec{Pipeline: p.ID()})
	second := e.run(mlops.PipelineRunSpec{Pipeline: p.ID(), Triggers: map[string]string{"again": "yes"}})
	if s := second.Status.Steps; !s["prepare"].Cached || s["fit_it"].Cached || first.Status.Steps["prepare"].Cached {
		t.Errorf("steps are %+v, after %+v", s, first.Status.Steps)
	}
	if got, want := second.Status.Outputs["prepare.data"], first.Status.Outputs["prepare.data"]; got != want || second.Ref == first.Ref {
		t.Errorf("the output of the step that was left out is at %s, want %s", got, want)
	}
	for _, ref := range []kubetest.Ref{e.ref("configmaps", "train-cache"), e.ref("roles.rbac.authorization.k8s.io", "train-cache"), e.ref("rolebindings.rbac.authorization.k8s.io", "train-cache")} {
		if !control.Exists(t, ref) {
			t.Errorf("there is no %+v", ref)
		}
	}
	e.must(e.Pipelines().Delete(t.Context(), p.ID()))
	e.gone(p.ID())
	for _, ref := range []kubetest.Ref{e.ref("configmaps", "train-cache"), e.ref("roles.rbac.authorization.k8s.io", "train-cache"), e.workflow(second.Status.Run)} {
		control.WaitGone(t, ref)
	}
}

// gone drives the deletion of a pipeline to its end.
func (e estate) gone(ref mlops.ID) {
	e.Helper()
	e.settle("gone: "+string(ref), func() bool {
		seen, err := e.Pipelines().Get(e.Context(), ref)
		if err == nil && seen.Due {
			err = pipelineKind{e.backend}.Advance(e.Context(), ref)
		}
		return e.is(err, mlops.NotFound)
	})
}

// TestRunDeleted proves that a run that is deleted stops: its pods go first.
func TestRunDeleted(t *testing.T) {
	t.Parallel()
	e := plant(t, nil)
	control.Play(t, e.spec.Name, func(*unstructured.Unstructured) kubetest.Outcome { return kubetest.Outcome{Running: true} })
	p := e.pipeline(mlops.PipelineSpec{Steps: map[string]mlops.Step{"fit": {Command: []string{"fit"}}}})
	change, err := e.PipelineRuns().Create(t.Context(), mlops.PipelineRunSpec{Pipeline: p.ID()})
	e.must(err)
	e.settle("at work", func() bool {
		seen, err := e.PipelineRuns().Get(t.Context(), change.Ref)
		e.must(err)
		return strings.Contains(seen.Reason, "at work: fit") && seen.Phase == mlops.PhasePending && seen.Status.State == mlops.RunRunning
	})
	e.must(e.PipelineRuns().Delete(t.Context(), change.Ref))
	e.settle("deleted", func() bool {
		seen, err := e.PipelineRuns().Get(t.Context(), change.Ref)
		if err == nil && seen.Phase != mlops.PhaseDeleting {
			t.Errorf("it is %s while it is deleted: %s", seen.Phase, seen.Reason)
		}
		return e.is(err, mlops.NotFound)
	})
	e.settle("without pods", func() bool { return len(control.List(t, "pods", e.spec.Name, "")) == 0 })
}

// TestRunStopped proves that a run that somebody else stopped was cancelled.
func TestRunStopped(t *testing.T) {
	t.Parallel()
	e := plant(t, nil)
	control.Play(t, e.spec.Name, func(*unstructured.Unstructured) kubetest.Outcome {
		return kubetest.Outcome{Waiting: "ImagePullBackOff"}
	})
	p := e.pipeline(mlops.PipelineSpec{Steps: map[string]mlops.Step{"fit": {Command: []string{"fit"}}}})
	change, err := e.PipelineRuns().Create(t.Context(), mlops.PipelineRunSpec{Pipeline: p.ID()})
	e.must(err)
	e.settle("waiting for its image", func() bool {
		seen, err := e.PipelineRuns().Get(t.Context(), change.Ref)
		e.must(err)
		return strings.Contains(seen.Reason, "ImagePullBackOff")
	})
	control.Patch(t, e.workflow(change.Ref.Name()), `{spec: {shutdown: Terminate}}`)
	seen := e.ended(change.Ref)
	if seen.Phase != mlops.PhaseFailed || seen.Status.State != mlops.RunCancelled || seen.Reason == "" {
		t.Errorf("it is %s (%s): %q", seen.Phase, seen.Status.State, seen.Reason)
	}
}

// TestCompressedNodes proves that the steps of a workflow are read that has too many to
// keep them as they are.
func TestCompressedNodes(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(`{"a": {"displayName": "fit", "type": "Pod", "phase": "Succeeded"}}`)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	run, err := newSeenRun(&unstructured.Unstructured{Object: map[string]any{"status": map[string]any{
		"phase": "Succeeded", "compressedNodes": base64.StdEncoding.EncodeToString(b.Bytes()),
	}}})
	if err != nil || run.steps()["fit"].State != mlops.RunSucceeded {
		t.Errorf("steps are %v, %v", run.steps(), err)
	}
}

// TestRunRestricted proves that the pods of steps, Argo's own containers among them, are
// let into a namespace of the strictest Pod Security Standard.
func TestRunRestricted(t *testing.T) {
	t.Parallel()
	e := plant(t, mlops.Settings{targetPodSecurity: "restricted"})
	steps := chain()
	first := steps["prepare"]
	first.Script, first.Command, first.Packages = "print('hello')\n", nil, []string{"six==1.17.0"}
	first.Compute = &mlops.Compute{CPU: 0.5, Memory: 256 << 20, Disk: 1 << 30, Spot: true}
	steps["prepare"] = first
	p := e.pipeline(mlops.PipelineSpec{Steps: steps})
	if seen := e.run(mlops.PipelineRunSpec{Pipeline: p.ID()}); seen.Phase != mlops.PhaseReady {
		t.Errorf("it is %s: %s", seen.Phase, seen.Reason)
	}
}

// TestRunWithGPU proves that a step gets a node that has what it asks for, and says
// what it waits for where there is none.
func TestRunWithGPU(t *testing.T) {
	t.Parallel()
	e := plant(t, nil)
	fit := func(accelerator string) mlops.PipelineSpec {
		return mlops.PipelineSpec{Steps: map[string]mlops.Step{
			"fit": {Command: []string{"fit"}, Compute: &mlops.Compute{Accelerator: &mlops.Accelerator{Type: accelerator, Count: 2}}},
		}}
	}
	p := e.pipeline(fit("nvidia-h100"))
	if seen := e.run(mlops.PipelineRunSpec{Pipeline: p.ID()}); seen.Phase != mlops.PhaseReady {
		t.Errorf("it is %s: %s", seen.Phase, seen.Reason)
	}
	p = e.pipeline(fit("nvidia-h999"))
	change, err := e.PipelineRuns().Create(t.Context(), mlops.PipelineRunSpec{Pipeline: p.ID()})
	e.must(err)
	e.settle("waiting for a node", func() bool {
		seen, err := e.PipelineRuns().Get(t.Context(), change.Ref)
		e.must(err)
		return seen.Phase == mlops.PhasePending && strings.Contains(seen.Reason, "nodes are available")
	})
}
