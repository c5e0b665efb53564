package kubernetes

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/promtest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// rulesCase is what Prometheus has scraped each minute, and what the alerts of the
// monitor of watchSpec make of it.
type rulesCase struct {
	name   string
	series map[string]string // values by series, in promtool's notation
	at     string            // when it is looked; after the window if empty
	alert  string
	fires  map[string]string // labels beside those of all alerts; nil if it is silent
	says   string
}

// sent is a series of Istio's of a server of the endpoint "churn".
func sent(server string, code int) string {
	return requestsSent("dev", server, code)
}

func requestsSent(namespace, server string, code int) string {
	return fmt.Sprintf(`istio_requests_total{reporter="source",destination_service_name=%q,destination_service_namespace=%q,response_code="%d"}`, server+"-predictor", namespace, code)
}

// took is a series of the requests that were answered in at most so many milliseconds.
func took(milliseconds string) string {
	return fmt.Sprintf(`istio_request_duration_milliseconds_bucket{reporter="source",destination_service_name="churn-0123456789-predictor",destination_service_namespace="dev",response_code="200",le=%q}`, milliseconds)
}

// The servers of the endpoint, of which the second is new.
const (
	firstServer  = "churn-0123456789"
	secondServer = "churn-abcdef0123"
)

// healthCases are of the alerts of an endpoint behind Istio's gateway: at most 2.5
// percent errors, half of the answers in 50 ms, all but one percent in 1 s, and at least
// 10 requests, in an hour.
func healthCases() []rulesCase {
	health := map[string]string{"check": "health"}
	p99 := map[string]string{"check": "health", "quantile": "p99"}
	return []rulesCase{
		{
			name: "errors at the limit", alert: alertErrors,
			series: map[string]string{sent(firstServer, 200): "0+975x100", sent(firstServer, 500): "0+25x100"},
		},
		{
			name: "errors over it", alert: alertErrors, fires: health, says: "The endpoint churn answers with 2.6 percent errors over 1h0m0s, and its limit is 2.5",
			series: map[string]string{sent(firstServer, 200): "0+974x100", sent(firstServer, 500): "0+26x100"},
		},
		{
			name: "answers cut short", alert: alertErrors, fires: health, says: "The endpoint churn answers with 10 percent errors over 1h0m0s, and its limit is 2.5",
			series: map[string]string{sent(firstServer, 200): "0+90x100", sent(firstServer, 0): "0+10x100"},
		},
		{
			name: "errors of the client", alert: alertErrors,
			series: map[string]string{sent(firstServer, 200): "0+1x100", sent(firstServer, 422): "0+10x100"},
		},
		{
			name: "two servers", alert: alertErrors, fires: health, says: "The endpoint churn answers with 5 percent errors over 1h0m0s, and its limit is 2.5",
			series: map[string]string{sent(firstServer, 200): "0+90x100", sent(secondServer, 200): "0+5x100", sent(secondServer, 503): "0+5x100"},
		},
		{
			name: "errors that begin with a burst", alert: alertErrors, fires: health, says: "The endpoint churn answers with 50 percent errors over 1h0m0s, and its limit is 2.5",
			series: map[string]string{sent(firstServer, 200): "0+1x100", sent(firstServer, 500): "_x60 60 60x40"},
		},
		{
			name: "errors of an earlier hour", alert: alertErrors,
			series: map[string]string{sent(firstServer, 200): "0+1x100", sent(firstServer, 500): "0+10x20 200x80"},
		},
		{
			name: "a gateway that restarted", alert: alertErrors,
			series: map[string]string{sent(firstServer, 200): "5000+1x80 0+1x20", sent(firstServer, 500): "1000x80 0x20"},
		},
		{
			name: "no traffic", alert: alertErrors,
			series: map[string]string{sent(firstServer, 200): "7x100", sent(firstServer, 500): "7x100"},
		},
		{name: "nothing", alert: alertErrors},
		{
			name: "somebody else's", alert: alertErrors,
			series: map[string]string{
				sent("churn-eu-0123456789", 500): "0+9x100", sent("lab-churn-0123456789", 500): "0+9x100", requestsSent("prod", firstServer, 500): "0+9x100",
			},
		},
		{
			name: "latency at the limit", alert: alertLatency,
			series: map[string]string{took("25"): "0+60x100", took("1000"): "0+99x100", took("2500"): "0+100x100", took("+Inf"): "0+100x100"},
		},
		{
			name: "latency over it", alert: alertLatency, fires: p99, says: "The p99 latency of the endpoint churn is 1.75 s over 1h0m0s, and its limit is 1 s",
			series: map[string]string{took("25"): "0+60x100", took("1000"): "0+98x100", took("2500"): "0+100x100", took("+Inf"): "0+100x100"},
		},
		{name: "latency of nothing", alert: alertLatency, series: map[string]string{took("25"): "9x100", took("+Inf"): "9x100"}},
		{
			name: "too little traffic", alert: alertTraffic, fires: health, says: "The endpoint churn had 9 requests over 1h0m0s, and its limit is 10",
			series: map[string]string{sent(firstServer, 200): "0x80 9x20"},
		},
		{name: "enough traffic", alert: alertTraffic, series: map[string]string{sent(firstServer, 200): "0x80 10x20"}},
		{name: "no traffic at all", alert: alertTraffic, fires: health, says: "The endpoint churn had 0 requests over 1h0m0s, and its limit is 10"},
		{name: "too early to judge traffic", alert: alertTraffic, at: "59m"},
	}
}

// checkCases are of the alerts of what a monitor's job pushes.
func checkCases() []rulesCase {
	pushed := func(monitor, check string) string {
		return fmt.Sprintf(`mlops_monitor_violated{environment="dev",monitor=%q,check=%q}`, monitor, check)
	}
	return []rulesCase{
		{
			name: "a violation", alert: alertViolated, fires: map[string]string{"check": "data_drift"}, says: "The check data_drift of the monitor watch is violated",
			series: map[string]string{pushed("watch", "data_drift"): "1x100", pushed("watch", "bias"): "0x100"},
		},
		{name: "no violation", alert: alertViolated, series: map[string]string{pushed("watch", "data_drift"): "0x100"}},
		{name: "another monitor's", alert: alertViolated, series: map[string]string{pushed("watch-eu", "data_drift"): "1x100"}},
		{name: "no report", alert: alertViolated},
	}
}

// test is the case as promtool has it.
func (c rulesCase) test() promtest.RulesTest {
	series, fires := []promtest.Series{}, []promtest.Fired{}
	for name, values := range c.series {
		series = append(series, promtest.Series{Series: name, Values: values})
	}
	if c.fires != nil {
		labels := map[string]string{"namespace": "dev", "monitor": "watch", "endpoint": "churn", "environment": "dev", "severity": "warning"}
		maps.Copy(labels, c.fires)
		fires = append(fires, promtest.Fired{Labels: labels, Annotations: map[string]string{"summary": c.says}})
	}
	return promtest.RulesTest{
		Name: c.name, Interval: "1m", Series: series,
		Alerts: []promtest.AlertTest{{At: cmp.Or(c.at, "90m"), Alert: c.alert, Fires: fires}},
	}
}

// TestRulesFire has Prometheus' own evaluation decide what fires, in its own notation of
// what was scraped.
func TestRulesFire(t *testing.T) {
	t.Parallel()
	spec := watchSpec()
	spec.DataDrift, spec.Bias = &mlops.DriftCheck{}, &mlops.BiasCheck{}
	s := watchScene(mlops.Settings{targetPrometheus: "http://prometheus:9090", targetPushgateway: "http://pushgateway:9091"})
	rules, err := json.Marshal(s.rulesManifest(spec, s.monitorRules(spec, time.Unix(0, 0))).content["spec"])
	if err != nil {
		t.Fatal(err)
	}
	if err := promtest.Lint(t, string(rules)); err != nil {
		t.Errorf("promtool says of the rules: %v", err)
	}
	var tests []promtest.RulesTest
	for _, c := range append(healthCases(), checkCases()...) {
		tests = append(tests, c.test())
	}
	if err := promtest.TryRules(t, string(rules), tests...); err != nil {
		t.Error(err)
	}
}
