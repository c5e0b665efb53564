package promtest

import (
	"strings"
	"testing"
	"time"
)

// busy fires while more than one request a second is answered.
const busy = `
groups:
- name: load
  rules:
  - alert: Busy
    expr: sum by (destination_service_name) (rate(istio_requests_total[1m])) > 1
    for: 1m
    labels: {severity: page}
`

func TestLint(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		rules string
		want  string
	}{
		{name: "good", rules: busy},
		{name: "query", rules: strings.ReplaceAll(busy, "> 1", ">"), want: "unexpected end of input"},
		{name: "twice", rules: busy + "  - alert: Busy\n    expr: sum by (destination_service_name) (rate(istio_requests_total[1m])) > 1\n    labels: {severity: page}\n", want: "duplicate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := Lint(t, tt.rules)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("promtool says %v, want %q", err, tt.want)
			}
		})
	}
}

func TestTryRules(t *testing.T) {
	t.Parallel()
	at := func(service string) RulesTest {
		return RulesTest{
			Interval: "15s",
			Series: []Series{
				{`istio_requests_total{destination_service_name="a"}`, "0+30x20"},
				{`istio_requests_total{destination_service_name="b"}`, "0+3x20"},
			},
			Alerts: []AlertTest{{At: "4m", Alert: "Busy", Fires: []Fired{{Labels: map[string]string{"severity": "page", "destination_service_name": service}}}}},
		}
	}
	if err := TryRules(t, busy, at("a")); err != nil {
		t.Error(err)
	}
	if err := TryRules(t, busy, at("a"), at("b")); err == nil {
		t.Error("an alert that does not fire is said to")
	}
}

// TestServer proves that what a test counts is what a server answers.
func TestServer(t *testing.T) {
	t.Parallel()
	mesh := NewMesh(t)
	mesh.Sent("ns", "a", 200, 3, 20*time.Millisecond)
	s := Start(t, Config{Target: mesh.URL, Labels: map[string]string{"pod": "gateway-0"}})
	s.Wait(t, `istio_requests_total{destination_service_name="a",destination_service_namespace="ns",response_code="200",pod="gateway-0"} == 3`)
	mesh.Sent("ns", "a", 200, 2, 20*time.Millisecond)
	s.Wait(t, `sum(istio_request_duration_milliseconds_bucket{le="25.0"}) == 5`)
}

// alerts sends what the namespace's rules find to a webhook, whose URL is a secret.
const alerts = `
apiVersion: monitoring.coreos.com/v1alpha1
kind: AlertmanagerConfig
metadata: {name: on-call, namespace: ns}
spec:
  route: {receiver: webhook, groupBy: [alertname], groupWait: 100ms, groupInterval: 1s}
  receivers: [{name: webhook, webhookConfigs: [{urlSecret: {name: on-call, key: url}}]}]
---
apiVersion: v1
kind: Secret
metadata: {name: on-call, namespace: ns}
stringData: {url: "URL"}
`

func TestConfigure(t *testing.T) {
	t.Parallel()
	got, err := Configure(t, alerts, "")
	if err == nil || !strings.Contains(err.Error(), "URL") {
		t.Errorf("a webhook without a scheme is taken: %s, %v", got, err)
	}
	secretless, _, _ := strings.Cut(alerts, "---")
	if _, err := Configure(t, secretless, ""); err == nil || !strings.Contains(err.Error(), `"on-call" not found`) {
		t.Errorf("without the secret it says %v", err)
	}
	if _, err := Configure(t, strings.ReplaceAll(alerts, "groupBy", "grouping"), ""); err == nil || !strings.Contains(err.Error(), "grouping") {
		t.Errorf("of an unknown field it says %v", err)
	}
}

// TestAlert proves the whole way of an alert: from what is scraped by a rule, and by the
// route that the operator makes, to a webhook, and that it is taken back.
func TestAlert(t *testing.T) {
	t.Parallel()
	inbox, mesh := NewInbox(t), NewMesh(t)
	config, err := Configure(t, strings.ReplaceAll(alerts, "URL", inbox.URL), "")
	if err != nil {
		t.Fatal(err)
	}
	mesh.Sent("ns", "a", 200, 1, time.Millisecond)
	s := Start(t, Config{
		Target: mesh.URL, Alertmanager: StartAlertmanager(t, config), Labels: map[string]string{"namespace": "ns"},
		Rules: "groups: [{name: g, rules: [{alert: Busy, expr: 'sum by (namespace) (rate(istio_requests_total[3s])) > 1'}]}]",
	})
	s.Wait(t, "istio_requests_total")
	mesh.Sent("ns", "a", 200, 100, time.Millisecond)
	if got := inbox.Await(t, "Busy", "firing"); got.Labels["namespace"] != "ns" {
		t.Errorf("the alert is %+v", got)
	}
	inbox.Await(t, "Busy", "resolved")
}

func TestScraping(t *testing.T) {
	t.Parallel()
	const manifest = `
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: watch, namespace: ns}
spec:
  selector: {matchLabels: {app: a}}
  endpoints: [{port: http, relabelings: [{sourceLabels: [job], regex: "a(b)?", action: keep}]}]
`
	if _, err := Scraping(t, manifest); err != nil {
		t.Error(err)
	}
	if _, err := Scraping(t, strings.ReplaceAll(manifest, "a(b)?", "a(b")); err == nil {
		t.Error("a pattern that is none is taken")
	}
}
