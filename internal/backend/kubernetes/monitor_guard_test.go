package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// guard is an environment with a pipeline, and an endpoint that captures, of which the
// test says that it is there.
type guard struct {
	estate

	data *datasets
}

func newGuard(t *testing.T, settings mlops.Settings) guard {
	t.Helper()
	all := mlops.Settings{targetPrometheus: "http://127.0.0.1:1", targetPushgateway: "http://pushgateway.monitoring:9091"}
	maps.Copy(all, settings)
	return guard{plant(t, all), &datasets{specs: map[mlops.ID]mlops.DatasetSpec{}}}
}

// captured is an endpoint that is always there.
type captured struct {
	mlops.Kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]
}

func (captured) Get(_ context.Context, ref mlops.ID) (mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus], error) {
	out := mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{Ref: ref, Phase: mlops.PhaseReady}
	out.Spec.Capture = &mlops.Capture{SamplePercent: 100}
	switch ref.Name() {
	case "nowhere":
		return out, notOnShelf(ref)
	case "silent":
		out.Spec.Capture = nil
	}
	return out, nil
}

func (g guard) monitors() monitorKind { return monitorKind{g.backend, captured{}, g.data} }

// all is a monitor with everything that there is on Kubernetes.
func (g guard) all() mlops.MonitorSpec {
	s := watchSpec()
	s.Endpoint, s.Schedule = g.spec.ID.Child(mlops.NounModelEndpoint, "churn"), *nightly()
	s.Baseline = &mlops.Baseline{URI: "s3://bucket/data/customers.csv", Features: []string{"age", "colour"}}
	s.DataDrift, s.PredictionDrift, s.DataQuality = &mlops.DriftCheck{Features: []string{}}, &mlops.DriftCheck{Features: []string{}}, &mlops.DataQualityCheck{}
	s.ModelQuality = &mlops.ModelQualityCheck{Task: "classification", GroundTruth: "s3://bucket/truth", Min: map[string]float64{"accuracy": 0.9}, Max: map[string]float64{}}
	s.Bias = &mlops.BiasCheck{Group: "colour", Statistic: "disparate_impact", Threshold: 0.8}
	s.Alerts = &mlops.Alerts{WebhookURL: "https://hooks.example.com/secret-path", Mark: "m1", Emails: []string{}}
	s.OnViolation = &mlops.OnViolation{Pipeline: g.spec.ID.Child(mlops.NounPipeline, "train"), Parameters: map[string]string{}, Checks: []string{"data_drift"}}
	return s
}

// create makes a monitor.
func (g guard) create(spec mlops.MonitorSpec) mlops.Change {
	g.Helper()
	change, err := g.monitors().Create(g.Context(), spec)
	g.must(err)
	return change
}

// watched looks at a monitor.
func (g guard) watched(ref mlops.ID) monitorObserved {
	g.Helper()
	seen, err := g.monitors().Get(g.Context(), ref)
	g.must(err)
	return seen
}

// submit starts the job of a monitor, as its schedule would.
func (g guard) submit() kubetest.Ref {
	g.Helper()
	cron := control.Get(g, g.ref("cronworkflows.argoproj.io", "monitor-watch"))
	spec, _, _ := unstructured.NestedMap(cron.Object, "spec", "workflowSpec")
	metadata, _, _ := unstructured.NestedMap(cron.Object, "spec", "workflowMetadata")
	// Of two jobs of the same second the later has the later name, as Argo's own.
	metadata["name"] = fmt.Sprintf("monitor-watch-%d", time.Now().UnixNano())
	text, err := json.Marshal(map[string]any{"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": metadata, "spec": spec})
	g.must(err)
	made := control.Apply(g, g.spec.Name, string(text))
	return g.workflow(made[0].GetName())
}

// over waits for the end of a job.
func (g guard) over(job kubetest.Ref) {
	g.Helper()
	control.Wait(g, job, "over", func(o *unstructured.Unstructured) bool {
		return slices.Contains([]string{phaseSucceeded, phaseFailed, phaseError}, kubetest.Text(o, "status", "phase"))
	})
}

// left lists the objects of a monitor that are there.
func (g guard) left() []string {
	g.Helper()
	var out []string
	for _, resource := range []string{
		"configmaps", "secrets", "serviceaccounts", "roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io", "leases.coordination.k8s.io",
		"cronworkflows.argoproj.io", "workflows.argoproj.io", "prometheusrules.monitoring.coreos.com",
		"servicemonitors.monitoring.coreos.com", "alertmanagerconfigs.monitoring.coreos.com",
	} {
		for _, o := range control.List(g, resource, g.spec.Name, selects(mlops.NounMonitor)) {
			if o.GetDeletionTimestamp() == nil {
				out = append(out, resource+"/"+o.GetName())
			}
		}
	}
	return out
}

// destroy deletes a monitor, as the lifecycle does, and insists that nothing is left.
func (g guard) destroy(ref mlops.ID) {
	g.Helper()
	g.must(g.monitors().Delete(g.Context(), ref))
	g.settle("gone: "+string(ref), func() bool {
		seen, err := g.monitors().Get(g.Context(), ref)
		if g.is(err, mlops.NotFound) {
			return true
		}
		g.must(err)
		if seen.Phase != mlops.PhaseDeleting {
			g.Fatalf("it is %s while it is deleted", seen.Phase)
		}
		if err := g.monitors().Advance(g.Context(), ref); err != nil && !g.is(err, mlops.NotFound) {
			g.Fatal(err)
		}
		return false
	})
	if left := g.left(); len(left) > 0 {
		g.Errorf("after the deletion there is %v", left)
	}
}

// over2 is the backend by way of another address.
func (g guard) over2(host string) *backend { return g.estate.over(host).backend }

// verdicts plays what jobs find, one after the other, and keeps the steps that checked,
// and what retraining steps would make.
type verdicts struct {
	t        testing.TB
	mu       sync.Mutex
	outcomes []kubetest.Outcome
	given    map[string]kubetest.Outcome // by pod, which may be asked about again
	checked  []argoTemplate
	made     []argoTemplate
	as       []string
	start    func(argoTemplate) kubetest.Outcome // what comes of a step that starts a pipeline; nil is all well
}

// add has one more job come to an outcome.
func (v *verdicts) add(outcome kubetest.Outcome) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.outcomes = append(v.outcomes, outcome)
}

// seen are the steps so far that checked, and those that would make a run.
func (v *verdicts) seen() (checked, made []argoTemplate) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.checked), slices.Clone(v.made)
}

func (v *verdicts) play(pod *unstructured.Unstructured) kubetest.Outcome {
	v.mu.Lock()
	defer v.mu.Unlock()
	if out, known := v.given[pod.GetName()]; known {
		return out
	}
	out := v.next(pod)
	v.given[pod.GetName()] = out
	return out
}

func (v *verdicts) next(pod *unstructured.Unstructured) kubetest.Outcome {
	step := stepOf(pod)
	switch {
	case step.Name == monitorRetrain:
		v.made, v.as = append(v.made, step), append(v.as, kubetest.Text(pod, "spec", "serviceAccountName"))
		if v.start == nil {
			return kubetest.Outcome{}
		}
		return v.start(step)
	case step.Name != monitorCheck:
		return playStep(pod)
	}
	if len(v.outcomes) == 0 {
		v.t.Errorf("pod %s checks, and the test has started no such job", pod.GetName())
		return kubetest.Outcome{ExitCode: 1}
	}
	out := v.outcomes[0]
	v.outcomes, v.checked = v.outcomes[1:], append(v.checked, step)
	return out
}

// reported is what a job comes to that makes a report.
func reported(report mlops.MonitorReport) kubetest.Outcome {
	text, err := json.Marshal(report)
	if err != nil {
		panic(err)
	}
	violated := ""
	if report.State == mlops.MonitorViolated {
		violated = "data_drift"
	}
	out := kubetest.Outcome{Outputs: map[string]string{outputReport: string(text), outputVerdict: string(report.State), outputViolated: violated}}
	if report.State == mlops.MonitorBroken {
		out.ExitCode = 1
	}
	return out
}
