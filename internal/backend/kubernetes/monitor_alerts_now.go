package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/api"
	prometheus "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// alertsPatience is how long a look waits for Prometheus, which is of no other use to
// it: a status without it says so.
const alertsPatience = 10 * time.Second

// alertsSeen is what Prometheus says of the rules of monitors, by their groups.
type alertsSeen struct {
	groups map[string]prometheus.RuleGroup
	err    error
}

// alertsNow asks Prometheus for the alerts that have some labels. An older one takes no
// notice of these, and answers with all.
func (s scene) alertsNow(ctx context.Context, labels string) alertsSeen {
	at := s.spec.Target.Settings.String(targetPrometheus)
	if at == "" {
		return alertsSeen{err: fmt.Errorf("the environment %q has no prometheus_url", s.spec.ID)}
	}
	client, err := api.NewClient(api.Config{Address: at, Client: &http.Client{Timeout: alertsPatience}})
	if err != nil {
		return alertsSeen{err: err}
	}
	rules, err := prometheus.NewAPI(client).Rules(ctx, []string{labels})
	if e, ok := errors.AsType[*url.Error](err); ok { // whose text has the whole request
		err = e.Err
	}
	if err != nil {
		return alertsSeen{err: fmt.Errorf("the Prometheus server at %s: %w", at, err)}
	}
	out := alertsSeen{groups: map[string]prometheus.RuleGroup{}}
	for _, g := range rules.Groups {
		out.groups[g.Name] = g
	}
	return out
}

// notice is what there is to know of rules that Prometheus does not carry out.
func (a alertsSeen) notice(s scene) string {
	if _, taken := a.groups[string(s.id)]; taken || a.err != nil {
		return ""
	}
	return "Prometheus has not taken its rules in: its ruleSelector may ask for labels that the monitor's labels do not have"
}

// health is what Prometheus says of an endpoint's health, and since when it is so;
// nothing where it has not looked yet.
func (a alertsSeen) health(s scene, spec mlops.MonitorSpec) (report mlops.CheckReport, at, since time.Time) {
	report = mlops.CheckReport{State: mlops.MonitorWaiting, Features: []mlops.FeatureReport{}}
	if a.err != nil {
		report.State, report.Reason = mlops.MonitorBroken, a.err.Error()
		return report, time.Time{}, time.Time{}
	}
	for _, one := range a.groups[string(s.id)].Rules {
		rule, ok := one.(prometheus.AlertingRule)
		if !ok || rule.Labels[alertCheck] != checkHealth || rule.LastEvaluation.IsZero() {
			continue
		}
		at = latest(at, rule.LastEvaluation)
		feature := featureOf(rule, spec)
		if began := activeSince(rule); feature.Violated && (since.IsZero() || began.Before(since)) {
			since = began
		}
		report.Features = append(report.Features, feature)
		if state, reason := stateOf(rule, feature); moreSerious(state, report.State) {
			report.State, report.Reason = state, reason
		}
	}
	return report, at.UTC(), since.UTC()
}

// stateOf is how a rule stands, and why.
func stateOf(rule prometheus.AlertingRule, f mlops.FeatureReport) (mlops.MonitorState, string) {
	switch {
	case rule.Health == prometheus.RuleHealthBad:
		return mlops.MonitorBroken, "Prometheus cannot compute " + f.Name + ": " + rule.LastError
	case f.Violated:
		return mlops.MonitorViolated, f.Reason
	}
	return mlops.MonitorOK, ""
}

// featureOf is the figure that a rule holds to its limit. What it is now, Prometheus
// tells of what is beyond it.
func featureOf(rule prometheus.AlertingRule, spec mlops.MonitorSpec) mlops.FeatureReport {
	out := mlops.FeatureReport{}
	out.Name, out.Statistic, out.Threshold = limitOf(rule, *spec.Health)
	for _, alert := range rule.Alerts {
		if alert.State != prometheus.AlertStateFiring {
			continue
		}
		out.Violated, out.Reason = true, string(alert.Annotations["summary"])
		if value, err := strconv.ParseFloat(alert.Value, 64); err == nil {
			if out.Statistic == statisticMillis {
				value *= 1000 //nolint:mnd // ms in a s
			}
			out.Value = &value
		}
	}
	return out
}

// statisticMillis is the unit of latencies in reports.
const statisticMillis = "ms"

// limitOf is what a rule of a check is about, and its limit, in the words of reports.
func limitOf(rule prometheus.AlertingRule, h mlops.HealthCheck) (name, statistic string, limit *float64) {
	switch rule.Name {
	case alertErrors:
		return "errors", "percent", h.MaxErrorPercent
	case alertTraffic:
		least := float64(h.MinRequests)
		return "requests", "requests", &least
	}
	for _, q := range latencies(h) {
		if q.name == string(rule.Labels["quantile"]) {
			most := float64(q.limit) / float64(time.Millisecond)
			return q.name, statisticMillis, &most
		}
	}
	return rule.Name, "", nil
}

// activeSince is since when a rule's alerts are on.
func activeSince(rule prometheus.AlertingRule) time.Time {
	var first time.Time
	for _, alert := range rule.Alerts {
		if first.IsZero() || alert.ActiveAt.Before(first) {
			first = alert.ActiveAt
		}
	}
	return first
}
