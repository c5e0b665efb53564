package monitors

import (
	"fmt"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/drift"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/table"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// dataDrift compares the features' distributions.
func (x *examination) dataDrift() mlops.CheckReport {
	d := x.spec.DataDrift
	columns := d.Features
	if len(columns) == 0 {
		for _, c := range x.base.features() {
			columns = append(columns, c.Name)
		}
	}
	return x.drifted(*d, columns)
}

// predictionDrift compares the predictions' distribution.
func (x *examination) predictionDrift() mlops.CheckReport {
	last := x.base.Columns[len(x.base.Columns)-1]
	return x.drifted(*x.spec.PredictionDrift, []string{last.Name})
}

func (x *examination) drifted(d mlops.DriftCheck, columns []string) mlops.CheckReport {
	r := mlops.CheckReport{Rows: x.rows, Features: []mlops.FeatureReport{}}
	var names []string
	judged := 0
	for _, result := range x.window.Compare(drift.Options{Statistic: d.Statistic, Threshold: d.Threshold, Columns: columns}) {
		f := mlops.FeatureReport{Name: result.Name, Statistic: result.Statistic, Violated: result.Drifted, Reason: result.Reason}
		if result.Judged {
			f.Value, f.PValue, f.Threshold = &result.Value, &result.PValue, &result.Threshold
			judged++
		}
		if result.Drifted {
			names = append(names, fmt.Sprintf("%s (%s %.3g, threshold %.3g)", result.Name, result.Statistic, result.Value, result.Threshold))
		}
		r.Features = append(r.Features, f)
	}
	share := 100 * float64(len(names)) / float64(max(1, judged)) //nolint:mnd // percent
	return finish(r, len(names) > 0 && share > valueOf(d.MaxDrifted), "drifted: "+brief(names))
}

// brief names a few.
func brief(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

func valueOf(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}

// columnQuality counts what the profile does not.
type columnQuality struct{ unfit int64 }

func (q *columnQuality) take(cell table.Cell, t table.Type) {
	if !cell.Fits(t) {
		q.unfit++
	}
}

// dataQuality holds values to the baseline's schema.
func (x *examination) dataQuality() mlops.CheckReport {
	r := mlops.CheckReport{Rows: x.rows, Features: []mlops.FeatureReport{}}
	var names []string
	add := func(name, statistic string, value float64, limit *float64) {
		f := mlops.FeatureReport{Name: name, Statistic: statistic, Value: &value, Threshold: new(valueOf(limit))}
		if f.Violated = value > valueOf(limit); f.Violated {
			f.Reason = fmt.Sprintf("%.2f %% of the rows, more than %g %%", value, valueOf(limit))
			names = append(names, fmt.Sprintf("%s (%s %.2f %%)", name, statistic, value))
		}
		r.Features = append(r.Features, f)
	}
	limits := x.spec.DataQuality
	percent := func(n int64) float64 { return 100 * float64(n) / float64(max(1, x.rows)) } //nolint:mnd // percent
	for i, q := range x.window.Quality() {
		if i >= len(x.base.features()) {
			break // predictions are no data
		}
		unfit := x.quality[i].unfit
		add(q.Name, "missing_percent", max(0, percent(q.Missing-unfit)-100*q.BaseNulls), limits.MaxMissingPercent) //nolint:mnd // percent
		add(q.Name, "type_percent", percent(unfit), limits.MaxTypePercent)
		if x.base.Columns[i].Type.Numeric() {
			add(q.Name, "range_percent", percent(q.OutOfRange), limits.MaxRangePercent)
			continue
		}
		add(q.Name, "category_percent", percent(q.Unknown), limits.MaxCategoryPercent)
	}
	if x.strange > 0 {
		add("(request)", "form_percent", percent(x.strange), limits.MaxTypePercent)
	}
	return finish(r, len(names) > 0, "violated: "+brief(names))
}

// healthReport holds the traffic's figures to their limits.
func healthReport(h mlops.HealthCheck, f mlops.Figures) mlops.CheckReport {
	r := mlops.CheckReport{Rows: f.Requests, Features: []mlops.FeatureReport{}}
	var names []string
	add := func(name string, value, limit float64, violated bool, unit string) {
		one := mlops.FeatureReport{Name: name, Statistic: unit, Value: &value, Threshold: &limit, Violated: violated}
		if violated {
			names = append(names, fmt.Sprintf("%s %.4g %s (limit %.4g)", name, value, unit, limit))
		}
		r.Features = append(r.Features, one)
	}
	if h.MinRequests > 0 {
		add("requests", float64(f.Requests), float64(h.MinRequests), f.Requests < h.MinRequests, "requests")
	}
	if h.MaxErrorPercent != nil && f.Requests > 0 {
		add("errors", f.ErrorPercent(), *h.MaxErrorPercent, f.ErrorPercent() > *h.MaxErrorPercent, "percent")
	}
	for _, q := range []struct {
		name            string
		value, limitFor mlops.Duration
	}{{"p50", f.P50, h.MaxP50}, {"p95", f.P95, h.MaxP95}, {"p99", f.P99, h.MaxP99}} {
		if q.limitFor > 0 && f.Requests > 0 {
			add(q.name, milliseconds(q.value), milliseconds(q.limitFor), q.value > q.limitFor, "ms")
		}
	}
	out := finish(r, len(names) > 0, "unhealthy: "+brief(names))
	if out.State == mlops.MonitorNoData {
		out.Reason = "no request in the window"
	}
	return out
}

func milliseconds(d mlops.Duration) float64 {
	return float64(time.Duration(d).Microseconds()) / 1000 //nolint:mnd // µs in a ms
}
