package kubernetes

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/promtest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// overriding is of every object that a monitor has, and of its alerts.
const overriding = `{
	"health": {"for": "5m", "labels": {"severity": "page"}},
	"data_drift": {"annotations": {"runbook_url": "https://example.com/drift"}},
	"PrometheusRule": {"spec": {"groups": {"interval": "2m"}}},
	"ServiceMonitor": {"spec": {"endpoints": {"interval": "10s"}}},
	"AlertmanagerConfig": {"spec": {
		"route": {"groupWait": "1m"},
		"receivers": {"slackConfigs": [{"channel": "#ml", "apiURL": {"name": "slack", "key": "url"}}]}
	}},
	"CronWorkflow": {"spec": {"concurrencyPolicy": "Replace", "workflowSpec": {"priority": 7, "podMetadata": {"annotations": {"sidecar.istio.io/inject": "false"}}}}}
}`

// TestMonitorOverrides proves that a monitor's objects have what overrides add, that it is
// what was asked for, and that without them it is as before.
func TestMonitorOverrides(t *testing.T) {
	t.Parallel()
	g := newGuard(t, mlops.Settings{targetMetrics: metricsKServe})
	g.pipeline(mlops.PipelineSpec{Steps: chain()})
	spec := g.all()
	spec.Health.MaxErrorPercent = nil
	plain := g.all()
	plain.Health.MaxErrorPercent = nil
	spec.Overrides = overriding
	if got := g.plannedMonitor(g.monitors(), spec); len(got) > 0 {
		t.Fatalf("a plan says %q", got)
	}
	change := g.create(spec)
	seen := g.watched(change.Ref)
	if seen.Phase != mlops.PhaseReady || seen.Revision != change.Revision || mlops.DigestOf(seen.Spec) != mlops.DigestOf(withoutWebhook(spec)) {
		t.Fatalf("it is %s at %q, want %q: %s", seen.Phase, seen.Revision, change.Revision, seen.Reason)
	}
	for _, test := range overriddenFields() {
		if got := test.in(g); got != test.want {
			t.Errorf("%s is %q, want %q", test.name, got, test.want)
		}
	}
	_, err := g.monitors().Update(t.Context(), change.Ref, plain)
	g.must(err)
	for _, test := range overriddenFields() {
		if got := test.in(g); got != test.before {
			t.Errorf("without overrides %s is %q, want %q", test.name, got, test.before)
		}
	}
	g.destroy(change.Ref)
}

// overriddenField is a field of a monitor's objects, with overrides and before.
type overriddenField struct {
	name, want, before string
	resource           string
	at                 []string
	list               string // a list of the spec, of whose only element it is
	check              string // of whose alert it is
}

func overriddenFields() []overriddenField {
	const rules, cron, config, scrape = "prometheusrules.monitoring.coreos.com", "cronworkflows.argoproj.io", "alertmanagerconfigs.monitoring.coreos.com", "servicemonitors.monitoring.coreos.com"
	return []overriddenField{
		{name: "how long an alert waits", want: "5m", resource: rules, list: "groups", check: "health", at: []string{"for"}},
		{name: "its severity", want: "page", before: "warning", resource: rules, list: "groups", check: "health", at: []string{"labels", "severity"}},
		{name: "its monitor", want: "watch", before: "watch", resource: rules, list: "groups", check: "health", at: []string{"labels", "monitor"}},
		{name: "another's severity", want: "warning", before: "warning", resource: rules, list: "groups", check: "data_drift", at: []string{"labels", "severity"}},
		{name: "another's annotation", want: "https://example.com/drift", resource: rules, list: "groups", check: "data_drift", at: []string{"annotations", "runbook_url"}},
		{name: "how often rules are judged", want: "2m", resource: rules, list: "groups", at: []string{"interval"}},
		{name: "how often servers are scraped", want: "10s", resource: scrape, list: "endpoints", at: []string{"interval"}},
		{name: "how long alerts are gathered", want: "1m", resource: config, at: []string{"spec", "route", "groupWait"}},
		{name: "the receiver", want: receiverOfAlerts, before: receiverOfAlerts, resource: config, list: "receivers", at: []string{"name"}},
		{name: "what happens to a job that is late", want: "Replace", before: "Forbid", resource: cron, at: []string{"spec", "concurrencyPolicy"}},
		{name: "an annotation of pods", want: "false", resource: cron, at: []string{"spec", "workflowSpec", "podMetadata", "annotations", "sidecar.istio.io/inject"}},
		{name: "a label of pods", want: agent, before: agent, resource: cron, at: []string{"spec", "workflowSpec", "podMetadata", "labels", labelManagedBy}},
	}
}

// in is the field as the API server has it, "" for none.
func (f overriddenField) in(g guard) string {
	g.Helper()
	object := control.Get(g, g.ref(f.resource, "monitor-watch")).Object
	if f.list != "" {
		object = only(g, object, "spec", f.list)
	}
	if f.check != "" {
		alerts, _, _ := unstructured.NestedSlice(object, "rules")
		for _, one := range alerts {
			alert, _ := one.(map[string]any)
			if check, _, _ := unstructured.NestedString(alert, "labels", alertCheck); check == f.check {
				object = alert
			}
		}
	}
	text, _, err := unstructured.NestedString(object, f.at...)
	g.must(err)
	return text
}

// only is the one element of a list.
func only(g guard, object map[string]any, at ...string) map[string]any {
	g.Helper()
	all, _, _ := unstructured.NestedSlice(object, at...)
	if len(all) != 1 {
		g.Fatalf("%v has %d elements", at, len(all))
	}
	one, _ := all[0].(map[string]any)
	return one
}

// TestMonitorOverridesRefused proves what is refused at plan of overrides, and why.
func TestMonitorOverridesRefused(t *testing.T) {
	t.Parallel()
	g := newGuard(t, nil)
	g.pipeline(mlops.PipelineSpec{Steps: chain()})
	for _, test := range []struct{ name, overrides, want string }{
		{"no object", `{"CronWorkflow": 1}`, "CronWorkflow is no object"},
		{"nothing of ours", `{"Cronworkflow": {"spec": {}}}`, `Did you mean "CronWorkflow"?`},
		{"no check of it", `{"explainability": {"for": "5m"}}`, "the monitor has no explainability"},
		{"a query", `{"health": {"expr": "1"}}`, "and not expr"},
		{"a label of ours", `{"health": {"labels": {"monitor": "other"}}}`, "health.labels.monitor is not for overrides"},
		{"all labels", `{"health": {"labels": null}}`, "health.labels.check is not for overrides"},
		{"metadata", `{"CronWorkflow": {"metadata": {"labels": {}}}}`, "the spec alone"},
		{"schedule", `{"CronWorkflow": {"spec": {"schedules": ["* * * * *"]}}}`, "use schedule"},
		{"steps", `{"CronWorkflow": {"spec": {"workflowSpec": {"templates": []}}}}`, "podSpecPatch"},
		{"all of a job", `{"CronWorkflow": {"spec": {"workflowSpec": null}}}`, "is not for overrides"},
		{"record", `{"CronWorkflow": {"spec": {"workflowMetadata": {"annotations": {"` + noteID + `": "x"}}}}}`, "is not for overrides"},
		{"webhook", `{"AlertmanagerConfig": {"spec": {"receivers": {"webhookConfigs": []}}}}`, "alerts.webhook_url"},
		{"a list", `{"AlertmanagerConfig": {"spec": {"receivers": []}}}`, "not a list"},
		{"repeat", `{"AlertmanagerConfig": {"spec": {"route": {"repeatInterval": "1h"}}}}`, "alerts.repeat"},
		{"rules", `{"PrometheusRule": {"spec": {"groups": {"rules": []}}}}`, "by check"},
		{"unknown to the operator", `{"AlertmanagerConfig": {"spec": {"rote": {}}}}`, "rote"},
		{"a duration", `{"health": {"for": "5 apples"}}`, "5 apples"},
	} {
		spec := g.all()
		spec.Overrides = test.overrides
		got := g.plannedMonitor(g.monitors(), spec)
		if len(got) != 1 || !strings.HasPrefix(got[0], "overrides: ") || !strings.Contains(got[0], test.want) {
			t.Errorf("%s: problems are %q, want %q", test.name, got, test.want)
		}
	}
}

// TestOverriddenRulesFire has Prometheus' own evaluation wait as overrides ask.
func TestOverriddenRulesFire(t *testing.T) {
	t.Parallel()
	spec := watchSpec()
	spec.Health.MinRequests, spec.Health.MaxP50, spec.Health.MaxP99 = 0, 0, 0
	spec.Overrides = `{"health": {"for": "20m", "labels": {"severity": "page"}}}`
	s := watchScene(mlops.Settings{targetPrometheus: "http://prometheus:9090"})
	m, ok, err := s.rulesManifest(spec, s.monitorRules(spec, time.Unix(0, 0))).override(spec)
	if err != nil || !ok {
		t.Fatalf("the rules are not overridden: %v", err)
	}
	rules, err := json.Marshal(m.content["spec"])
	if err != nil {
		t.Fatal(err)
	}
	errors := map[string]string{sent(firstServer, 500): "0x60 0+10x60"}
	if err := promtest.TryRules(t, string(rules),
		rulesCase{name: "not yet", alert: alertErrors, at: "75m", series: errors}.test(),
		rulesCase{
			name: "long enough", alert: alertErrors, at: "90m", series: errors, fires: map[string]string{"check": "health", "severity": "page"},
			says: "The endpoint churn answers with 100 percent errors over 1h0m0s, and its limit is 2.5",
		}.test(),
	); err != nil {
		t.Error(err)
	}
}
