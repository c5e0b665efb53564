package kubernetes

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// watchScene is where a monitor "watch" of the endpoint "churn" is, in an environment
// with settings.
func watchScene(settings mlops.Settings) scene {
	id := mlops.EnvironmentID(name, []string{testCluster}, "dev")
	spec := mlops.EnvironmentSpec{ID: id, Name: "dev", Stage: "dev", Target: mlops.Target{Backend: name, Settings: settings}}
	return scene{place: place{layout: layoutOf(spec)}, noun: mlops.NounMonitor, id: id.Child(mlops.NounMonitor, "watch")}
}

// watchSpec is that monitor, of everything that its endpoint's health has.
func watchSpec() mlops.MonitorSpec {
	percent := 2.5
	return mlops.MonitorSpec{
		Endpoint: mlops.EnvironmentID(name, []string{testCluster}, "dev").Child(mlops.NounModelEndpoint, "churn"), Name: "watch",
		Labels: map[string]string{"release": "monitoring"}, Description: `"{{ $labels }}"`, Schedule: mlops.Schedule{Cron: "0 * * * *"},
		Window: mlops.Duration(time.Hour),
		Health: &mlops.HealthCheck{MaxErrorPercent: &percent, MaxP50: mlops.Duration(50 * time.Millisecond), MaxP99: mlops.Duration(time.Second), MinRequests: 10},
	}
}

// TestHealthRules has Prometheus' own parser judge the rules of every source of figures,
// and proves that they are of all servers of the endpoint together.
func TestHealthRules(t *testing.T) {
	t.Parallel()
	created := time.Unix(1_700_000_000, 0)
	for _, source := range []string{metricsIstio, metricsKServe, metricsKnative} {
		mode, servers := modeStandard, "churn-[0-9a-f]{10}-predictor"
		if source == metricsKnative {
			mode, servers = modeKnative, "churn-predictor-[0-9]{5}-.+"
		}
		spec := watchSpec()
		if source == metricsKServe {
			spec.Health.MaxErrorPercent = nil
		}
		spec.DataDrift, spec.Bias = &mlops.DriftCheck{}, &mlops.BiasCheck{}
		s := watchScene(mlops.Settings{targetPrometheus: "http://prometheus:9090", targetMetrics: source, targetMode: mode, targetPushgateway: "http://pushgateway:9091"})
		rules := s.monitorRules(spec, created)
		m := s.rulesManifest(spec, rules)
		text, err := json.Marshal(m.content["spec"])
		if err != nil {
			t.Fatal(err)
		}
		if err := kubetest.CheckRules(t, string(text)); err != nil {
			t.Errorf("%s: %v", source, err)
		}
		var alerts []string
		for _, r := range rules {
			alerts = append(alerts, r.Alert+" "+r.Labels[alertCheck]+" "+r.Labels["quantile"])
			if r.Labels[alertNamespace] != "dev" || r.Labels[alertMonitor] != "watch" {
				t.Errorf("%s has the labels %v", r.Alert, r.Labels)
			}
			if r.Labels[alertCheck] == checkHealth && !strings.Contains(r.Query, servers) {
				t.Errorf("%s is of other servers: %s", r.Alert, r.Query)
			}
		}
		want := []string{
			alertErrors + " health ", alertLatency + " health p50", alertLatency + " health p99", alertTraffic + " health ",
			alertViolated + " data_drift ", alertViolated + " bias ",
		}
		if source == metricsKServe {
			want = want[1:]
		}
		if diff := cmp.Diff(want, alerts); diff != "" {
			t.Errorf("%s: alerts (-want +got):\n%s", source, diff)
		}
		if !strings.Contains(string(text), "vector(time()) \\u003e 1700003600") {
			t.Errorf("%s: traffic is judged before the window has passed: %s", source, text)
		}
		if m.labels["release"] != "monitoring" {
			t.Errorf("the user's labels are not on the rules: %v", m.labels)
		}
	}
}

// TestNoRules proves that a monitor that is switched off tells nothing.
func TestNoRules(t *testing.T) {
	t.Parallel()
	spec := watchSpec()
	spec.Schedule.Disabled = true
	if rules := watchScene(mlops.Settings{targetPrometheus: "http://prometheus:9090"}).monitorRules(spec, time.Now()); len(rules) > 0 {
		t.Errorf("it has %v", rules)
	}
}
