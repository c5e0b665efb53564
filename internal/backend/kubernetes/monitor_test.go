package kubernetes

import (
	"encoding/json"
	"strings"
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

// TestMonitorLife proves what a monitor is made of, that Argo's controller and Prometheus'
// parser take it, what its jobs' reports come to, that a violation starts the pipeline as
// an account that may do nothing else, and that a deletion leaves nothing.
func TestMonitorLife(t *testing.T) {
	t.Parallel()
	g := newGuard(t, nil)
	g.pipeline(mlops.PipelineSpec{Steps: chain()})
	now := time.Now().UTC().Truncate(time.Second)
	found := func(state mlops.MonitorState) kubetest.Outcome {
		return reported(mlops.MonitorReport{At: now, Rows: 200, State: state, Reason: "so", Checks: map[string]mlops.CheckReport{"data_drift": {State: state, Features: []mlops.FeatureReport{}}}})
	}
	v := &verdicts{t: t, given: map[string]kubetest.Outcome{}, outcomes: []kubetest.Outcome{found(mlops.MonitorOK), found(mlops.MonitorViolated), found(mlops.MonitorBroken)}}
	v.start = func(step argoTemplate) kubetest.Outcome {
		status, said := g.started(step, "")
		t.Log(said)
		return kubetest.Outcome{ExitCode: status}
	}
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
	g.wantConfined()
	ended := g.ended(g.watched(change.Ref).Status.Retraining.LastRun)
	if ended.Status.State != mlops.RunSucceeded || ended.Ref.Parent() != spec.OnViolation.Pipeline {
		t.Errorf("the run that it started is %s of %s: %s", ended.Status.State, ended.Ref, ended.Reason)
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

// wantConfined insists that the account of a step that starts pipelines reads nothing else.
func (g guard) wantConfined() {
	g.Helper()
	access := control.Access()
	client, err := dynamic.NewForConfig(&rest.Config{
		Host: access.Host, BearerToken: access.Token, TLSClientConfig: rest.TLSClientConfig{CAData: access.CA},
		Impersonate: rest.ImpersonationConfig{UserName: "system:serviceaccount:" + g.spec.Name + ":monitor-watch"},
	})
	g.must(err)
	for _, of := range []kind{kindSecret, kindConfigMap, kindLease, kindWorkflow} {
		if _, err := client.Resource(of.resource()).Namespace(g.spec.Name).List(g.Context(), metav1.ListOptions{}); g.Code(err) != mlops.PermissionDenied {
			g.Errorf("the account lists %s: %v", of.name(), err)
		}
	}
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
		{"no count", "leases.coordination.k8s.io", "", without(func(s *mlops.MonitorSpec) { s.OnViolation = nil })},
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
	g.create(spec)
	if got := g.watched(ref); mlops.DigestOf(got.Spec) != mlops.DigestOf(withoutWebhook(spec)) {
		t.Errorf("after its record was deleted it is made again as %+v: %s", got.Spec, got.Reason)
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
