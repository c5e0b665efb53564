package monitors

import (
	"context"
	"fmt"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/checks"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// health holds the traffic of the window to its limits. An endpoint that is down
// by its schedule is not judged. Nor is how few requests there were before the
// monitor is as old as its window: they may have come before anybody counted.
func (s *Service) health(ctx context.Context, r record, from time.Time) mlops.CheckReport {
	asleep, err := s.Asleep(ctx, r.Spec.Endpoint)
	if err != nil {
		return mlops.CheckReport{State: mlops.MonitorBroken, Features: []mlops.FeatureReport{}, Reason: "the check could not be made: " + mlops.Message(err)}
	}
	if asleep {
		return mlops.CheckReport{State: mlops.MonitorNoData, Features: []mlops.FeatureReport{}, Reason: "the endpoint is asleep, by its schedule"}
	}
	return healthReport(*r.Spec.Health, gateway.Summarize(s.Minutes(r.Spec.Endpoint, from)), r.Created.After(from))
}

// healthReport holds figures to their limits.
func healthReport(h mlops.HealthCheck, f mlops.Figures, isYoung bool) mlops.CheckReport {
	r := mlops.CheckReport{Rows: f.Requests, Features: []mlops.FeatureReport{}}
	var names []string
	add := func(name string, value, limit float64, violated bool, unit string) {
		one := mlops.FeatureReport{Name: name, Statistic: unit, Value: &value, Threshold: &limit, Violated: violated}
		if violated {
			names = append(names, fmt.Sprintf("%s %.4g %s (limit %.4g)", name, value, unit, limit))
		}
		r.Features = append(r.Features, one)
	}
	if h.MinRequests > 0 && (!isYoung || f.Requests >= h.MinRequests) {
		add("requests", float64(f.Requests), float64(h.MinRequests), f.Requests < h.MinRequests, "requests")
	}
	if h.MaxErrorPercent != nil && f.Requests > 0 {
		add("errors", f.ErrorPercent(), *h.MaxErrorPercent, f.ErrorPercent() > *h.MaxErrorPercent, "percent")
	}
	for _, q := range []struct {
		name         string
		value, limit mlops.Duration
	}{{"p50", f.P50, h.MaxP50}, {"p95", f.P95, h.MaxP95}, {"p99", f.P99, h.MaxP99}} {
		if q.limit > 0 && f.Requests > 0 {
			add(q.name, milliseconds(q.value), milliseconds(q.limit), q.value > q.limit, "ms")
		}
	}
	out := checks.Finish(r, len(names) > 0, "unhealthy: "+checks.Brief(names))
	if out.State == mlops.MonitorNoData {
		out.Reason = fmt.Sprintf("%d requests so far", f.Requests)
	}
	return out
}

func milliseconds(d mlops.Duration) float64 {
	return float64(time.Duration(d).Microseconds()) / 1000 //nolint:mnd // µs in a ms
}
