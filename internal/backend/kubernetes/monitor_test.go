package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

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
	metadata["name"] = kubetest.Name("monitor-watch")
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
		"configmaps", "secrets", "serviceaccounts", "roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io",
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

// verdicts plays what jobs find, one after the other, and keeps what retraining steps
// would make.
type verdicts struct {
	mu      sync.Mutex
	reports []mlops.MonitorReport
	given   map[string]kubetest.Outcome // by pod, which may be asked about again
	made    []argoTemplate
	as      []string
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
	case step.Resource != nil:
		v.made, v.as = append(v.made, step), append(v.as, kubetest.Text(pod, "spec", "serviceAccountName"))
		return kubetest.Outcome{}
	case step.Name != monitorCheck:
		return playStep(pod)
	}
	next := v.reports[0]
	v.reports = v.reports[1:]
	text, err := json.Marshal(next)
	if err != nil {
		panic(err)
	}
	violated := ""
	if next.State == mlops.MonitorViolated {
		violated = "data_drift"
	}
	out := kubetest.Outcome{Outputs: map[string]string{outputReport: string(text), outputVerdict: string(next.State), outputViolated: violated}}
	if next.State == mlops.MonitorBroken {
		out.ExitCode = 1
	}
	return out
}

// TestMonitorLife proves what a monitor is made of, that Argo's controller and Prometheus'
// parser take it, what its jobs' reports come to, that a violation starts the pipeline as
// an account that may do nothing else, and that a deletion leaves nothing.
func TestMonitorLife(t *testing.T) {
	t.Parallel()
	g := newGuard(t, nil)
	g.pipeline(mlops.PipelineSpec{Steps: chain()})
	now := time.Now().UTC().Truncate(time.Second)
	report := func(state mlops.MonitorState) mlops.MonitorReport {
		return mlops.MonitorReport{At: now, Rows: 200, State: state, Reason: "so", Checks: map[string]mlops.CheckReport{"data_drift": {State: state, Features: []mlops.FeatureReport{}}}}
	}
	v := &verdicts{given: map[string]kubetest.Outcome{}, reports: []mlops.MonitorReport{report(mlops.MonitorOK), report(mlops.MonitorViolated), report(mlops.MonitorBroken)}}
	control.Play(t, g.spec.Name, v.play)
	spec := g.all()
	change := g.create(spec)
	seen := g.watched(change.Ref)
	if seen.Phase != mlops.PhaseReady || seen.Revision != change.Revision || mlops.DigestOf(seen.Spec) != mlops.DigestOf(withoutWebhook(spec)) {
		t.Fatalf("it is %s at %q, want %q: %s", seen.Phase, seen.Revision, change.Revision, seen.Reason)
	}
	if seen.Status.NextCheck.IsZero() || seen.Status.LastReport.Checks[checkHealth].State != mlops.MonitorBroken {
		t.Errorf("its status is %+v", seen.Status)
	}
	g.wantNative()

	for _, want := range []mlops.MonitorState{mlops.MonitorOK, mlops.MonitorViolated, mlops.MonitorBroken} {
		g.over(g.submit())
		got := g.watched(change.Ref).Status
		if r := got.LastReport; r == nil || r.Checks["data_drift"].State != want || r.Rows != 200 || r.Monitor != spec.ID() {
			t.Fatalf("after a job that found %s the status is %+v", want, got)
		}
		if want != mlops.MonitorOK && !got.LastViolated.Equal(now) {
			t.Errorf("it was violated last at %s, want %s", got.LastViolated, now)
		}
	}
	if len(v.made) != 1 || v.as[0] != "monitor-watch" {
		t.Fatalf("the pipeline is started %d times, as %v", len(v.made), v.as)
	}
	run := g.executed(v.made[0].Resource.Manifest)
	ended := g.ended(spec.OnViolation.Pipeline.Child(mlops.NounPipelineRun, run))
	if ended.Status.State != mlops.RunSucceeded {
		t.Errorf("the run that it started is %s: %s", ended.Status.State, ended.Reason)
	}
	if r := g.watched(change.Ref).Status.Retraining; r.State != mlops.RetrainingDone || r.LastRun != ended.Ref || r.ThisMonth != 1 {
		t.Errorf("retraining is %+v", r)
	}
	all, err := g.monitors().List(t.Context(), g.spec.ID)
	g.must(err)
	if len(all) != 1 || cmp.Diff(g.watched(change.Ref), all[0]) != "" {
		t.Errorf("it is listed as %+v", all)
	}
	g.destroy(change.Ref)
}

// wantNative has Prometheus' parser and Argo's validation judge what there is, and looks
// for the webhook's secret.
func (g guard) wantNative() {
	g.Helper()
	rule := control.Get(g, g.ref("prometheusrules.monitoring.coreos.com", "monitor-watch"))
	text, err := json.Marshal(rule.Object["spec"])
	g.must(err)
	if err := kubetest.CheckRules(g, string(text)); err != nil {
		g.Error(err)
	}
	cron := control.Get(g, g.ref("cronworkflows.argoproj.io", "monitor-watch"))
	unstructured.RemoveNestedField(cron.Object, "status")
	text, err = json.Marshal(cron.Object)
	g.must(err)
	if err := kubetest.CheckWorkflows(g, string(text)); err != nil {
		g.Error(err)
	}
	config := control.Get(g, g.ref("alertmanagerconfigs.monitoring.coreos.com", "monitor-watch"))
	for _, o := range []*unstructured.Unstructured{rule, cron, config, control.Get(g, g.ref("configmaps", "monitor-watch"))} {
		text, err := o.MarshalJSON()
		g.must(err)
		if strings.Contains(string(text), "secret-path") {
			g.Errorf("the webhook can be read in %s", identityOf(o).words())
		}
	}
	secret, err := g.backend.clusters[testCluster].secret(g.Context(), identity{kindSecret, g.spec.Name, "monitor-watch"})
	g.must(err)
	if secret[keyOfWebhook] != "https://hooks.example.com/secret-path" {
		g.Errorf("the secret has %v", secret)
	}
}

// executed makes what a step would make, as the step's account, and returns its name.
func (g guard) executed(manifest string) string {
	g.Helper()
	access := control.Access()
	client, err := dynamic.NewForConfig(&rest.Config{
		Host: access.Host, BearerToken: access.Token, TLSClientConfig: rest.TLSClientConfig{CAData: access.CA},
		Impersonate: rest.ImpersonationConfig{UserName: "system:serviceaccount:" + g.spec.Name + ":monitor-watch"},
	})
	g.must(err)
	if _, err := client.Resource(kindSecret.resource()).Namespace(g.spec.Name).List(g.Context(), metav1.ListOptions{}); g.Code(err) != mlops.PermissionDenied {
		g.Errorf("the account reads secrets: %v", err)
	}
	object := &unstructured.Unstructured{}
	g.must(object.UnmarshalJSON([]byte(manifest)))
	made, err := client.Resource(kindWorkflow.resource()).Namespace(g.spec.Name).Create(g.Context(), object, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
	g.must(err)
	return made.GetName()
}

// TestMonitorDrift proves that what somebody changed or deleted of a monitor's parts is a
// difference from the configuration, and that the next apply brings it back.
func TestMonitorDrift(t *testing.T) {
	t.Parallel()
	g := newGuard(t, mlops.Settings{targetMetrics: metricsKServe})
	g.pipeline(mlops.PipelineSpec{Steps: chain()})
	spec := g.all()
	spec.Health.MaxErrorPercent = nil
	ref := g.create(spec).Ref
	without := func(lacks func(*mlops.MonitorSpec)) mlops.MonitorSpec {
		s := withoutWebhook(spec)
		lacks(&s)
		return s
	}
	const rules, cron, config = "prometheusrules.monitoring.coreos.com", "cronworkflows.argoproj.io", "alertmanagerconfigs.monitoring.coreos.com"
	for _, test := range []struct {
		name, resource, patch string
		want                  mlops.MonitorSpec
	}{
		{"a rule", rules, `{spec: {groups: []}}`, without(withoutRules)},
		{"another group", rules, `{spec: {groups: [{name: x, rules: [{alert: X, expr: "1"}]}]}}`, without(withoutRules)},
		{"no rules", rules, "", without(withoutRules)},
		{"no scrape", "servicemonitors.monitoring.coreos.com", "", without(withoutRules)},
		{"a suspended job", cron, `{spec: {suspend: true}}`, without(withoutJobs)},
		{"no job", cron, "", without(withoutJobs)},
		{"another route", config, `{spec: {route: {repeatInterval: 1h}}}`, without(func(s *mlops.MonitorSpec) { s.Alerts = nil })},
		{"no secret", "secrets", "", without(func(s *mlops.MonitorSpec) { s.Alerts = nil })},
		{"more rights", "roles.rbac.authorization.k8s.io", `{rules: []}`, without(func(s *mlops.MonitorSpec) { s.OnViolation = nil })},
		{"no account", "serviceaccounts", "", without(func(s *mlops.MonitorSpec) { s.OnViolation = nil })},
	} {
		part := g.ref(test.resource, "monitor-watch")
		if test.patch == "" {
			control.Delete(t, part)
			control.WaitGone(t, part)
		} else {
			control.Patch(t, part, test.patch)
		}
		got := g.watched(ref)
		if diff := cmp.Diff(test.want, got.Spec); diff != "" || got.Revision != "" || got.Reason == "" {
			t.Errorf("%s: it is %q: %s (-want +got):\n%s", test.name, got.Revision, got.Reason, diff)
		}
		forced := openAs("us")
		forced.options.Settings[settingForce] = true
		_, err := monitorKind{forced, captured{}, g.data}.Update(t.Context(), ref, spec)
		g.must(err)
		if got := g.watched(ref); mlops.DigestOf(got.Spec) != mlops.DigestOf(withoutWebhook(spec)) || got.Revision == "" {
			t.Errorf("%s is not brought back: %s", test.name, got.Reason)
		}
	}
	control.Delete(t, g.ref("configmaps", "monitor-watch"))
	g.wantCode("a look at what is gone", func() error { _, err := g.monitors().Get(t.Context(), ref); return err }(), mlops.NotFound)
	g.wantCode("its deletion", g.monitors().Delete(t.Context(), ref), mlops.NotFound)
	if left := g.left(); len(left) > 0 {
		t.Errorf("a deletion after somebody's leaves %v", left)
	}
}

// TestMonitorChanges proves that what a monitor has no longer is removed, and that its
// webhook stays where a change does not bring it, and cannot where it is gone.
func TestMonitorChanges(t *testing.T) {
	t.Parallel()
	g := newGuard(t, nil)
	g.pipeline(mlops.PipelineSpec{Steps: chain()})
	spec := g.all()
	ref := g.create(spec).Ref
	spec = withoutWebhook(spec)
	spec.Description = "another"
	_, err := g.monitors().Update(t.Context(), ref, spec)
	g.must(err)
	if got := g.watched(ref); mlops.DigestOf(got.Spec) != mlops.DigestOf(spec) {
		t.Errorf("it is %+v: %s", got.Spec, got.Reason)
	}
	control.Delete(t, g.ref("secrets", "monitor-watch"))
	_, err = g.monitors().Update(t.Context(), ref, spec)
	g.wantCode("a change without the webhook that is gone", err, mlops.Invalid, "webhook")
	withoutJobs(&spec)
	spec.Alerts, spec.OnViolation, spec.Baseline = nil, nil, nil
	_, err = g.monitors().Update(t.Context(), ref, spec)
	g.must(err)
	if diff := cmp.Diff([]string{"configmaps/monitor-watch", "prometheusrules.monitoring.coreos.com/monitor-watch"}, g.left()); diff != "" {
		t.Errorf("objects of a monitor of health alone (-want +got):\n%s", diff)
	}
	g.destroy(ref)
}

// TestMonitorLostAnswers proves, for every write of a creation, that an apply whose write
// was carried out and not answered is finished by the next, by the same owner's alone.
func TestMonitorLostAnswers(t *testing.T) {
	t.Parallel()
	g := newGuard(t, nil)
	spec := g.all()
	withoutJobs(&spec)
	spec.OnViolation, spec.Baseline = nil, nil
	for lost := int64(1); ; lost++ {
		way := newLossy(t, lost)
		change, err := monitorKind{g.over2(way.URL), captured{}, g.data}.Create(t.Context(), spec)
		if err == nil {
			if lost <= way.writes.Load() {
				t.Errorf("the answer to write %d was lost, and nobody noticed", lost)
			}
			return
		}
		g.wantCode("the first apply", err, mlops.Unavailable)
		if lost > 1 && change.Ref != spec.ID() {
			t.Errorf("write %d is lost, and with it the identity", lost)
		}
		_, err = monitorKind{openAs("them"), captured{}, g.data}.Create(t.Context(), spec)
		g.wantCode("creation by others", err, mlops.AlreadyExists)
		change = g.create(spec)
		if seen := g.watched(spec.ID()); seen.Phase != mlops.PhaseReady || seen.Revision != change.Revision {
			t.Errorf("after write %d was lost the next apply leaves it %s: %s", lost, seen.Phase, seen.Reason)
		}
		g.destroy(spec.ID())
	}
}

// over2 is the backend by way of another address.
func (g guard) over2(host string) *backend { return g.estate.over(host).backend }

// TestMonitorPlans proves what a plan is refused for, each with its path, and that nothing
// is made.
func TestMonitorPlans(t *testing.T) {
	t.Parallel()
	g := newGuard(t, nil)
	control.Apply(t, g.spec.Name, `{apiVersion: monitoring.coreos.com/v1, kind: PrometheusRule, metadata: {name: monitor-theirs}, spec: {groups: []}}`)
	control.Apply(t, g.spec.Name, `{apiVersion: v1, kind: ConfigMap, metadata: {name: monitor-kept}}`)
	most := int64(1)
	for _, test := range []struct {
		name   string
		change func(*mlops.MonitorSpec)
		want   string
	}{
		{"good", func(*mlops.MonitorSpec) {}, ""},
		{"webhook unknown", func(s *mlops.MonitorSpec) { s.Alerts.WebhookURL = "" }, ""},
		{"baseline to come", func(s *mlops.MonitorSpec) {
			s.Baseline = &mlops.Baseline{Dataset: g.spec.ID.Child(mlops.NounDataset, "later")}
		}, ""},
		{"taken", func(s *mlops.MonitorSpec) { s.Name = "theirs" }, "name: "},
		{"kept", func(s *mlops.MonitorSpec) { s.Name = "kept" }, "name: "},
		{"cron", func(s *mlops.MonitorSpec) { s.Schedule.Cron = "0 25 * * *" }, "schedule.cron: "},
		{"posted truth", func(s *mlops.MonitorSpec) { s.ModelQuality.GroundTruth = "" }, "model_quality: "},
		{"truth of nowhere", func(s *mlops.MonitorSpec) { s.ModelQuality.GroundTruth = "/truth" }, "model_quality.ground_truth_uri: "},
		{"file", func(s *mlops.MonitorSpec) { s.Baseline.URI = "file:///data.csv" }, "baseline.uri: "},
		{"braces", func(s *mlops.MonitorSpec) { s.Baseline.URI = "s3://bucket/{{workflow.name}}.csv" }, "baseline.uri: "},
		{"cooldown", func(s *mlops.MonitorSpec) { s.OnViolation.Cooldown = mlops.Duration(time.Hour) }, "on_violation.cooldown: "},
		{"count", func(s *mlops.MonitorSpec) { s.OnViolation.MaxPerMonth = &most }, "on_violation.max_per_month: "},
		{"health trains", func(s *mlops.MonitorSpec) { s.OnViolation.Checks = []string{"data_drift", "health"} }, "on_violation.checks[1]: "},
		{"reference", func(s *mlops.MonitorSpec) { s.OnViolation.Parameters = map[string]string{"x": "{{workflow.name}}"} }, `on_violation.parameters["x"]: `},
	} {
		spec := g.all()
		test.change(&spec)
		got := g.plannedMonitor(g.monitors(), spec)
		if test.want == "" && len(got) > 0 || test.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], test.want)) {
			t.Errorf("%s: problems are %q, want %q", test.name, got, test.want)
		}
	}
	if left := g.left(); len(left) > 0 {
		t.Errorf("a plan made %v", left)
	}
	spec := g.all()
	spec.Endpoint = g.spec.ID.Child(mlops.NounModelEndpoint, "silent")
	_, err := g.monitors().Create(t.Context(), spec)
	g.wantCode("a monitor of what captures nothing", err, mlops.Invalid, "capture")
	spec.Endpoint = g.spec.ID.Child(mlops.NounModelEndpoint, "nowhere")
	_, err = g.monitors().Create(t.Context(), spec)
	g.wantCode("a monitor of nothing", err, mlops.Invalid)
	_, err = g.monitors().Create(t.Context(), g.all())
	g.wantCode("a monitor that starts nothing", err, mlops.Invalid, "train")
}

func (g guard) plannedMonitor(k monitorKind, spec mlops.MonitorSpec) []string {
	g.Helper()
	c := mlops.NewChecker()
	g.must(k.Preflight(g.Context(), spec, c))
	var out []string
	for _, p := range c.Problems() {
		out = append(out, p.Path.String()+": "+p.Detail)
	}
	return out
}

// TestMonitorPlaces proves what environments refuse that lack what a monitor needs.
func TestMonitorPlaces(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		settings mlops.Settings
		change   func(*mlops.MonitorSpec)
		want     []string
	}{
		{"all", mlops.Settings{}, func(*mlops.MonitorSpec) {}, nil},
		{"no Prometheus", mlops.Settings{targetPrometheus: ""}, func(*mlops.MonitorSpec) {}, []string{"health"}},
		{"uncounted errors", mlops.Settings{targetMetrics: metricsKServe}, func(*mlops.MonitorSpec) {}, []string{"health.max_error_percent"}},
		{"captures elsewhere", mlops.Settings{targetCapture: "http://sink"}, func(*mlops.MonitorSpec) {}, []string{"data_drift"}},
		{"captures in Azure", mlops.Settings{targetStorage: "https://a.blob.core.windows.net/c"}, func(*mlops.MonitorSpec) {}, []string{"data_drift"}},
		{"no Pushgateway", mlops.Settings{targetPushgateway: ""}, func(*mlops.MonitorSpec) {}, []string{"alerts"}},
		{"no Pushgateway for health", mlops.Settings{targetPushgateway: ""}, func(s *mlops.MonitorSpec) { s.DataDrift = nil }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			settings := mlops.Settings{targetStorage: "s3://bucket", targetPrometheus: "http://prometheus:9090", targetPushgateway: "http://pushgateway:9091"}
			maps.Copy(settings, test.settings)
			spec := watchSpec()
			spec.DataDrift, spec.Baseline, spec.Alerts = &mlops.DriftCheck{}, &mlops.Baseline{URI: "s3://bucket/x.csv"}, &mlops.Alerts{Mark: "m"}
			test.change(&spec)
			c := mlops.NewChecker()
			checkMonitorPlace(c, spec, watchScene(settings).layout)
			var got []string
			for _, p := range c.Problems() {
				got = append(got, p.Path.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMonitorNeeds proves that a cluster without the operator is refused at plan, with
// the command that installs it.
func TestMonitorNeeds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*mlops.MonitorSpec)
		want   []capability
	}{
		{"health", func(s *mlops.MonitorSpec) { withoutJobs(s); s.Alerts = nil }, []capability{needsPrometheus}},
		{"drift", func(s *mlops.MonitorSpec) { s.Health, s.Alerts = nil, nil }, []capability{needsArgo}},
		{"all", func(*mlops.MonitorSpec) {}, []capability{needsPrometheus, needsAlertmanager, needsArgo}},
	} {
		spec := watchSpec()
		spec.DataDrift, spec.Alerts = &mlops.DriftCheck{}, &mlops.Alerts{Mark: "m"}
		test.change(&spec)
		if diff := cmp.Diff(test.want, monitorNeeds(spec)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		for _, one := range test.want {
			if requirements()[one].install == "" {
				t.Errorf("%s: nobody says how to install %s", test.name, one)
			}
		}
	}
}

// TestMonitorHealth proves what Prometheus' answers are to a status, in the form in which
// its API is documented: https://prometheus.io/docs/prometheus/latest/querying/api/#rules.
func TestMonitorHealth(t *testing.T) {
	t.Parallel()
	s := watchScene(nil)
	rule := func(name, quantile, health, alerts string) string {
		return fmt.Sprintf(`{"name": %q, "type": "alerting", "query": "x", "duration": 0, "health": %q, "lastError": "bad", "state": "x", "evaluationTime": 0.1,
			"lastEvaluation": "2026-01-02T03:04:05Z", "labels": {"check": "health", "quantile": %q}, "annotations": {}, "alerts": [%s]}`, name, health, quantile, alerts)
	}
	const firing = `{"activeAt": "2026-01-02T03:00:00Z", "annotations": {"summary": "slow"}, "labels": {}, "state": "firing", "value": "1.5e+00"}`
	for _, test := range []struct {
		name   string
		group  string
		rules  []string
		status int
		state  mlops.MonitorState
		notice bool
	}{
		{"well", string(s.id), []string{rule(alertErrors, "", "ok", ""), rule(alertLatency, "p99", "ok", "")}, 200, mlops.MonitorOK, false},
		{"slow", string(s.id), []string{rule(alertErrors, "", "ok", ""), rule(alertLatency, "p99", "ok", firing)}, 200, mlops.MonitorViolated, false},
		{"not computed", string(s.id), []string{rule(alertErrors, "", "err", "")}, 200, mlops.MonitorBroken, false},
		{"not taken in", "another", []string{rule(alertErrors, "", "ok", firing)}, 200, mlops.MonitorWaiting, true},
		{"away", "", nil, 503, mlops.MonitorBroken, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/api/v1/rules" || r.FormValue("match[]") != `{namespace="dev"}` {
					t.Errorf("it is asked for %s", r.URL)
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(test.status)
				_, _ = fmt.Fprintf(w, `{"status": "success", "data": {"groups": [{"name": %q, "file": "f", "interval": 30, "rules": [%s]}]}}`, test.group, strings.Join(test.rules, ","))
			}))
			t.Cleanup(server.Close)
			at := watchScene(mlops.Settings{targetPrometheus: server.URL})
			seen := monitorSeen{facts: monitorFacts{Parts: map[kind]string{kindPrometheusRule: ""}}}
			alerts := at.alertsNow(t.Context(), `{namespace="dev"}`)
			got := seen.status(at, watchSpec(), monitorEvents{alerts: alerts})
			if got.State != test.state || (alerts.notice(at) != "") != test.notice {
				t.Fatalf("it is %s (%s): %+v", got.State, alerts.notice(at), got.LastReport)
			}
			if test.state != mlops.MonitorViolated {
				return
			}
			check := got.LastReport.Checks[checkHealth]
			value, limit := 1500.0, 1000.0
			want := mlops.FeatureReport{Name: "p99", Statistic: "ms", Value: &value, Threshold: &limit, Violated: true, Reason: "slow"}
			if diff := cmp.Diff(want, check.Features[1]); diff != "" || !got.Since.Equal(time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)) || got.LastViolated.IsZero() {
				t.Errorf("since %s, last %s (-want +got):\n%s", got.Since, got.LastViolated, diff)
			}
		})
	}
}
