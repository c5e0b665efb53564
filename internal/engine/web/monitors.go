package web

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// mostCharts is how many features a monitor's page draws: those that stand
// nearest to their threshold, or beyond it.
const mostCharts = 6

// monitorPage shows the last report, and each figure over time.
func (c Config) monitorPage(ctx context.Context, id mlops.ID) (page, error) {
	o, err := c.Monitors.Get(ctx, id)
	if err != nil {
		return page{}, err
	}
	s := o.Status
	p := page{Title: o.Spec.Name, State: string(s.State), Sections: []section{
		{Text: cmp.Or(o.Reason, o.Spec.Description), Facts: []fact{
			{"Watches", linkTo(o.Spec.Endpoint, o.Spec.Endpoint.Name())},
			{"Since", when(s.Since)},
			{"Next check", when(s.NextCheck)},
			{"Schedule", text(scheduleWords(&o.Spec.Schedule))},
			{"Baseline", text(fmt.Sprintf("%d rows, %d features", s.Baseline.Rows, len(s.Baseline.Features)))},
		}},
	}}
	consequences := []section{
		retrainingSection(s.Retraining),
		{Title: "Alerts", Text: s.Alerts.LastFail, Facts: []fact{{"Last sent", when(s.Alerts.LastSent)}, {"Waiting", number(s.Alerts.Pending)}}},
	}
	if s.LastReport != nil {
		charts, err := c.driftCharts(ctx, id, *s.LastReport)
		if err != nil {
			return page{}, err
		}
		p.Sections = append(p.Sections, charts...)
		p.Sections = append(p.Sections, reportSections(*s.LastReport)...)
	}
	p.Sections = append(p.Sections, consequences...)
	return p, nil
}

// driftCharts draws what stands nearest to its threshold.
func (c Config) driftCharts(ctx context.Context, id mlops.ID, last mlops.MonitorReport) (out []section, err error) {
	reports, err := c.Reports(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, f := range worst(last) {
		alt := fmt.Sprintf("%s of %s over time, with its threshold", f.feature.Statistic, f.feature.Name)
		t := &table{Caption: alt, Head: []string{"Check", "Value", "Threshold", "State"}, Folded: true}
		for _, r := range slices.Backward(reports) {
			if found := f.in(r); found != nil {
				t.Rows = append(t.Rows, []cell{when(r.At), measured(found.Value), measured(found.Threshold), badge(stateOf(*found))})
			}
		}
		out = append(out, section{Title: f.feature.Name + " (" + f.check + ")", Chart: chartOf("drift", id, alt, f.key()), Table: t})
	}
	return out, nil
}

func retrainingSection(r mlops.Retraining) section {
	last := text("–")
	if r.LastRun != "" {
		last = linkTo(r.LastRun, r.LastRun.Parent().Name()+"/"+r.LastRun.Name())
	}
	return section{Title: "Retraining", Text: r.Reason, Facts: []fact{
		{"State", badge(string(r.State))},
		{"Last run", last},
		{"Started", when(r.LastAt)},
		{"Starts this month", number(r.ThisMonth)},
		{"Not before", when(r.NextAllowed)},
	}}
}

// reportSections shows each check of a report.
func reportSections(r mlops.MonitorReport) []section {
	out := []section{{Title: "Last report", Text: r.Reason, Facts: []fact{
		{"Made", when(r.At)}, {"From", when(r.From)}, {"Until", when(r.Until)}, {"Rows", number(r.Rows)}, {"File", mono(r.URI)},
	}}}
	for _, kind := range mlops.MonitorChecks() {
		check, ok := r.Checks[kind]
		if !ok {
			continue
		}
		t := &table{Caption: kind, Head: []string{"Of", "State", "Statistic", "Value", "Threshold", "p", "Why"}, Empty: "No figures."}
		for _, f := range check.Features {
			t.Rows = append(t.Rows, []cell{text(f.Name), badge(stateOf(f)), text(f.Statistic), measured(f.Value), measured(f.Threshold), measured(f.PValue), text(f.Reason)})
		}
		out = append(out, section{Title: kind, Text: check.Reason, Facts: []fact{{"State", badge(string(check.State))}, {"Rows", number(check.Rows)}}, Table: t})
	}
	return out
}

func stateOf(f mlops.FeatureReport) string {
	switch {
	case f.Violated:
		return string(mlops.MonitorViolated)
	case f.Value == nil:
		return string(mlops.MonitorNoData)
	}
	return string(mlops.MonitorOK)
}

// figure is one figure of a report.
type figure struct {
	check   string
	feature mlops.FeatureReport
}

// key names a figure in a chart's address.
func (f figure) key() url.Values {
	return url.Values{"check": {f.check}, "of": {f.feature.Name}, "statistic": {f.feature.Statistic}}
}

// in finds the same figure in another report.
func (f figure) in(r mlops.MonitorReport) *mlops.FeatureReport {
	for _, other := range r.Checks[f.check].Features {
		if other.Name == f.feature.Name && other.Statistic == f.feature.Statistic {
			return &other
		}
	}
	return nil
}

// worst returns the figures that stand nearest to their thresholds.
func worst(r mlops.MonitorReport) []figure {
	var all []figure
	for _, check := range slices.Sorted(maps.Keys(r.Checks)) {
		for _, f := range r.Checks[check].Features {
			if f.Value != nil && f.Threshold != nil && *f.Threshold != 0 {
				all = append(all, figure{check, f})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b figure) int {
		return cmp.Compare(*b.feature.Value / *b.feature.Threshold, *a.feature.Value / *a.feature.Threshold)
	})
	return all[:min(len(all), mostCharts)]
}

// plotDrift draws one figure of a monitor's reports over time.
func (c Config) plotDrift(r *http.Request, id mlops.ID) (plot, error) {
	q := r.URL.Query()
	f := figure{q.Get("check"), mlops.FeatureReport{Name: q.Get("of"), Statistic: q.Get("statistic")}}
	reports, err := c.Reports(r.Context(), id)
	if err != nil {
		return plot{}, err
	}
	p := plot{Names: []string{f.feature.Name}, Unit: f.feature.Statistic, Values: [][]float64{{}}}
	for _, report := range reports {
		value := math.NaN()
		if found := f.in(report); found != nil && found.Value != nil {
			value, p.Limit = *found.Value, found.Threshold
		}
		p.Times, p.Values[0] = append(p.Times, report.At), append(p.Values[0], value)
	}
	return p, nil
}
