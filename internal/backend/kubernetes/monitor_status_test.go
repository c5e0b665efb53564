package kubernetes

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

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
