package kubernetes

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The kinds of the Prometheus operator that a monitor has.
const (
	kindPrometheusRule     kind = "monitoring.coreos.com/v1/PrometheusRule"
	kindServiceMonitor     kind = "monitoring.coreos.com/v1/ServiceMonitor"
	kindAlertmanagerConfig kind = "monitoring.coreos.com/v1alpha1/AlertmanagerConfig"
)

// The names of a monitor's alerts, by what they tell of.
const (
	alertErrors   = "MLOpsEndpointErrors"
	alertLatency  = "MLOpsEndpointLatency"
	alertTraffic  = "MLOpsEndpointTraffic"
	alertViolated = "MLOpsMonitorViolated"
)

// The labels of every alert of a monitor, by which Alertmanager routes it. The operator
// has a configuration of a namespace see alerts of that namespace alone.
const (
	alertNamespace = "namespace"
	alertMonitor   = "monitor"
	alertCheck     = "check"
)

// checkHealth is the check that Prometheus makes, and no job.
const checkHealth = "health"

// alertGroup is a group of rules, as Prometheus reads it.
type alertGroup struct {
	Name  string      `json:"name"`
	Rules []alertRule `json:"rules"`
}

// alertRule is an alert with its query. Labels and annotations are templates to
// Prometheus: nothing but names and numbers is put into them, and nothing that a user
// wrote into a query.
type alertRule struct {
	Alert       string            `json:"alert"`
	Query       string            `json:"expr"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// monitorRules are the alerts of a monitor that is as old as created says: of the
// endpoint's health, and of what its job pushes. None is for one that is switched off.
func (s scene) monitorRules(spec mlops.MonitorSpec, created time.Time) []alertRule {
	if spec.Schedule.Disabled {
		return nil
	}
	rules := s.healthRules(spec, created)
	if s.pushgateway() == "" {
		return rules
	}
	for _, check := range jobChecks(spec) {
		rules = append(rules, s.alert(spec, check, alertViolated, nil,
			fmt.Sprintf(`max(%s{environment=%q,monitor=%q,check=%q}) == 1`, mlops.MetricViolated, s.spec.Name, spec.Name, check),
			fmt.Sprintf("The check %s of the monitor %s is violated", check, spec.Name)))
	}
	return rules
}

// jobChecks are the checks that a job makes.
func jobChecks(spec mlops.MonitorSpec) []string {
	var out []string
	for _, check := range spec.Checks() {
		if check != checkHealth {
			out = append(out, check)
		}
	}
	return out
}

// healthRules hold an endpoint's figures over the window to their limits.
func (s scene) healthRules(spec mlops.MonitorSpec, created time.Time) []alertRule {
	h, window := spec.Health, spec.Window.Or(mlops.DefaultWindow)
	if h == nil {
		return nil
	}
	f, endpoint := figuresOf(s.layout).ofEndpoint(), s.servicesOf(spec.Endpoint.Name())
	over := fmt.Sprintf(" over %s, and its limit is ", window)
	var rules []alertRule
	if limit := h.MaxErrorPercent; limit != nil {
		query := fmt.Sprintf("100 * %s / %s > %s", f.query(f.errors, s.namespace, endpoint, window), f.query(f.requests, s.namespace, endpoint, window), decimal(*limit))
		rules = append(rules, s.alert(spec, checkHealth, alertErrors, nil, query,
			"The endpoint "+spec.Endpoint.Name()+" answers with {{ printf \"%.4g\" $value }} percent errors"+over+decimal(*limit)))
	}
	for _, q := range latencies(*h) {
		query := fmt.Sprintf("%s > %s", f.quantile(q.quantile, s.namespace, endpoint, window), decimal(q.limit.Seconds()))
		rules = append(rules, s.alert(spec, checkHealth, alertLatency, map[string]string{"quantile": q.name}, query,
			"The "+q.name+" latency of the endpoint "+spec.Endpoint.Name()+" is {{ printf \"%.4g\" $value }} s"+over+decimal(q.limit.Seconds())+" s"))
	}
	if h.MinRequests > 0 {
		// How few came before the monitor was as old as its window is not judged: they may
		// have come before anybody counted.
		query := fmt.Sprintf("(%s or vector(0)) < %d and on() vector(time()) > %d",
			f.query(f.requests, s.namespace, endpoint, window), h.MinRequests, created.Add(window).Unix())
		rules = append(rules, s.alert(spec, checkHealth, alertTraffic, nil, query,
			"The endpoint "+spec.Endpoint.Name()+" had {{ printf \"%.0f\" $value }} requests"+over+strconv.FormatInt(h.MinRequests, 10)))
	}
	return rules
}

// latency is a limit of one quantile.
type latency struct {
	name     string
	quantile float64
	limit    time.Duration
}

// latencies are the limits that a check has.
func latencies(h mlops.HealthCheck) []latency {
	var out []latency
	for _, q := range []latency{
		{"p50", 0.5, time.Duration(h.MaxP50)}, {"p95", 0.95, time.Duration(h.MaxP95)}, {"p99", 0.99, time.Duration(h.MaxP99)},
	} {
		if q.limit > 0 {
			out = append(out, q)
		}
	}
	return out
}

// alert is an alert of a monitor, with more labels beside those that all have.
func (s scene) alert(spec mlops.MonitorSpec, check, name string, labels map[string]string, query, summary string) alertRule {
	all := map[string]string{
		alertNamespace: s.namespace, alertMonitor: spec.Name, alertCheck: check, "endpoint": spec.Endpoint.Name(),
		"environment": s.spec.Name, "severity": "warning",
	}
	maps.Copy(all, labels)
	return alertRule{Alert: name, Query: query, Labels: all, Annotations: map[string]string{"summary": summary}}
}

// rulesManifest is the PrometheusRule with a monitor's alerts. Prometheus knows the group
// by the monitor's ID, which no other has.
func (s scene) rulesManifest(spec mlops.MonitorSpec, rules []alertRule) manifest {
	groups := []alertGroup{{Name: string(s.id), Rules: rules}}
	return s.component(s.monitorPart(kindPrometheusRule), map[string]any{"spec": map[string]any{"groups": groups}}, spec.Labels)
}

// serversOf is a pattern of the names of an endpoint's servers, which change with its
// versions.
func (w whereabouts) serversOf(endpoint string) string {
	return w.serverStem(endpoint) + "-[0-9a-f]{10}"
}

// servicesOf is a pattern of the names of the services of an endpoint's servers: in
// Knative mode of revisions, which are numbered.
func (l layout) servicesOf(endpoint string) string {
	if l.knative() {
		return predictor(endpoint) + "-[0-9]{5}"
	}
	return predictor(l.serversOf(endpoint))
}

// ofEndpoint are the queries for all servers of an endpoint together, by a pattern.
func (f figures) ofEndpoint() figures {
	for _, text := range []*string{&f.requests, &f.errors, &f.seconds} {
		*text = strings.ReplaceAll(*text, `="$service"`, `=~"$service"`)
	}
	return f
}

// decimal is a number as PromQL reads it.
func decimal(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// monitorPart is an object that a monitor has of a kind.
func (s scene) monitorPart(k kind) identity { return s.of(k, monitorPrefix+s.id.Name()) }

// monitorPrefix tells a monitor's objects from those of a pipeline with its name.
const monitorPrefix = "monitor-"
