package monitors

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// shownMetrics is what Prometheus sees, without help and what changes with time.
func (b *bench) shownMetrics() (out []string) {
	b.t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(b.Collector()); err != nil {
		b.t.Fatal(err)
	}
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}).
		ServeHTTP(w, httptest.NewRequestWithContext(b.t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		b.t.Fatalf("%d: %s", w.Code, w.Body)
	}
	for l := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(l, "#") {
			continue
		}
		name, value, _ := strings.Cut(strings.TrimSpace(l), "} ")
		if strings.HasPrefix(l, "mlops_monitor_value") || strings.HasPrefix(l, "mlops_monitor_last_check") {
			value = "…"
		}
		out = append(out, strings.NewReplacer(`environment="dev",`, "", `monitor="watch"`, "").Replace(name)+"} "+value)
	}
	return out
}

// TestMetrics holds what Prometheus sees to the last report, also after a restart,
// and until the monitor is gone.
func TestMetrics(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.watch(func(s *mlops.MonitorSpec) {
		s.Baseline, s.DataDrift = b.based(people(seeded(4), 1000, 40)), &mlops.DriftCheck{Features: []string{"age"}}
		s.Health = &mlops.HealthCheck{MaxErrorPercent: new(1.0)}
		s.OnViolation = &mlops.OnViolation{Pipeline: pipeline, Parameters: map[string]string{}}
	})
	b.minutes = minutes(100, 0, 2)
	b.send(people(seeded(5), 300, 60))
	b.check(mlops.MonitorViolated)
	want := []string{
		`mlops_monitor_last_check_timestamp_seconds{} …`,
		`mlops_monitor_retraining_starts_month{} 1`,
		`mlops_monitor_retraining_state{,state="running"} 1`,
		`mlops_monitor_rows{} 300`,
		`mlops_monitor_threshold{check="data_drift",feature="age",,statistic="psi"} 0.2`,
		`mlops_monitor_threshold{check="health",feature="errors",,statistic="percent"} 1`,
		`mlops_monitor_value{check="data_drift",feature="age",,statistic="psi"} …`,
		`mlops_monitor_value{check="health",feature="errors",,statistic="percent"} …`,
		`mlops_monitor_violated{check="data_drift",} 1`,
		`mlops_monitor_violated{check="health",} 0`,
	}
	if diff := cmp.Diff(want, b.shownMetrics()); diff != "" {
		t.Errorf("after a check (-want +got):\n%s", diff)
	}
	b = b.reopen()
	b.follow()
	if diff := cmp.Diff(want, b.shownMetrics()); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
	if err := b.Delete(t.Context(), monitor); err != nil {
		t.Fatal(err)
	}
	if left := b.shownMetrics(); left != nil {
		t.Errorf("after the end: %v", left)
	}
}
