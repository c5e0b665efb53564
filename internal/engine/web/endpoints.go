package web

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// shown is how far back an endpoint's charts reach.
const shown = 3 * time.Hour

// endpointPage shows what serves, how traffic fares, and how the last change
// came to it.
func (c Config) endpointPage(ctx context.Context, id mlops.ID) (page, error) {
	o, err := c.ModelEndpoints.Get(ctx, id)
	if err != nil {
		return page{}, err
	}
	facts := []fact{{"Address", mono(o.Status.URL)}, {"Lineage", cell{Text: "dataset to endpoint", Link: pathOf("lineage", id)}}}
	if o.Status.Asleep {
		facts = append(facts, fact{"Schedule", text("asleep")})
	}
	p := page{Title: o.Spec.Name, State: phase(o.Phase), Sections: []section{
		{Text: o.Reason, Facts: facts},
		{Title: "Serving", Table: servingTable("Serving", o.Status.Serving, o.Status.Replicas)},
	}}
	if r := o.Status.Rollout; r != nil {
		p.Sections = append(p.Sections, rolloutSection(r))
	}
	if len(o.Status.Previous) > 0 {
		p.Sections = append(p.Sections, section{
			Title: "Before", Text: warmth(o.Status.PreviousUntil), Table: servingTable("Before the last change", o.Status.Previous, nil),
		})
	}
	minutes := c.Minutes(id, time.Now().Add(-shown))
	figures := &table{Caption: "Traffic by version", Head: []string{"Version", "Requests", "Failed", "p50", "p95", "p99"}, Empty: "No request in the last three hours."}
	for _, key := range versionsOf(minutes) {
		f := gateway.Summarize(ofVersion(minutes, key))
		figures.Rows = append(figures.Rows, []cell{
			text(key), number(f.Requests), {Text: fmt.Sprintf("%.2f %%", f.ErrorPercent()), Num: true}, span(f.P50), span(f.P95), span(f.P99),
		})
	}
	p.Sections = append(p.Sections, section{Title: "Traffic by version", Table: figures})
	if len(minutes) > 0 {
		p.Sections = append(p.Sections,
			section{Title: "Requests", Chart: chartOf("requests", id, "Requests per second over the last three hours, by version", nil)},
			section{Title: "Failed requests", Chart: chartOf("errors", id, "Share of the requests that failed over the last three hours, by version", nil)},
			section{Title: "Share", Chart: chartOf("share", id, "Share of the requests over the last three hours, by version", nil)},
			section{Title: "Latency", Chart: chartOf("latency", id, "Latency over the last three hours: median, 95th and 99th percentile", nil), Table: minuteTable(minutes)},
		)
	}
	return p, nil
}

func span(d mlops.Duration) cell {
	return cell{Text: time.Duration(d).Round(100 * time.Microsecond).String(), Num: true}
}

func warmth(until time.Time) string {
	if until.IsZero() || until.Before(time.Now()) {
		return "Its servers have ended."
	}
	return "Its servers are warm until " + when(until).Text + ": going back takes seconds."
}

func servingTable(caption string, serving map[string]mlops.Serving, replicas map[string]int64) *table {
	t := &table{Caption: caption, Head: []string{"Variant", "Version", "Digest", "Traffic"}, Empty: "Nothing serves."}
	if replicas != nil {
		t.Head = append(t.Head, "Ready replicas")
	}
	for _, name := range slices.Sorted(maps.Keys(serving)) {
		s := serving[name]
		row := []cell{
			text(name), linkTo(s.Version, s.Version.Parent().Name()+"/"+s.Version.Name()), digest(s.Digest),
			{Text: fmt.Sprintf("%d %%", s.Traffic), Num: true},
		}
		if replicas != nil {
			row = append(row, number(replicas[name]))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func rolloutSection(r *mlops.RolloutStatus) section {
	var candidate *table
	if len(r.Candidate) > 0 {
		candidate = servingTable("What it brings", r.Candidate, nil)
	}
	return section{Title: "Last rollout", Text: r.Reason, Table: candidate, Facts: []fact{
		{"State", badge(r.State)},
		{"Strategy", text(r.Strategy)},
		{"Step", text(fmt.Sprintf("%d of %d", r.Step, r.Steps))},
		{"On the new version", text(fmt.Sprintf("%d %%", r.Percent))},
		{"Figures of the step", text(r.Figures.String())},
		{"Began", when(r.StartedAt)},
		{"Ended", when(r.EndedAt)},
	}}
}

// minuteTable has the figures behind the charts.
func minuteTable(minutes []gateway.Minute) *table {
	t := &table{Caption: "By minute", Head: []string{"Minute", "Version", "Requests", "Failed", "p50", "p95", "p99"}, Folded: true}
	for _, m := range slices.Backward(minutes) {
		t.Rows = append(t.Rows, []cell{
			when(m.Start), text(versionKey(m)), number(m.Requests), number(m.Errors), span(m.P50), span(m.P95), span(m.P99),
		})
	}
	return t
}

// versionKey is what a line of a chart stands for.
func versionKey(m gateway.Minute) string { return m.Variant + " v" + m.Version.Name() }

func versionsOf(minutes []gateway.Minute) []string {
	seen := map[string]bool{}
	for _, m := range minutes {
		seen[versionKey(m)] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

func ofVersion(minutes []gateway.Minute, key string) []gateway.Minute {
	var out []gateway.Minute
	for _, m := range minutes {
		if versionKey(m) == key {
			out = append(out, m)
		}
	}
	return out
}

// timeline returns every minute from the first to the last, and what there is of
// each.
func timeline(minutes []gateway.Minute) (times []time.Time, at map[time.Time][]gateway.Minute) {
	at = map[time.Time][]gateway.Minute{}
	for _, m := range minutes {
		at[m.Start] = append(at[m.Start], m)
	}
	if len(minutes) == 0 {
		return nil, at
	}
	first, last := minutes[0].Start, minutes[len(minutes)-1].Start
	for t := first; !t.After(last); t = t.Add(time.Minute) {
		times = append(times, t)
	}
	return times, at
}

func (c Config) plotRequests(_ *http.Request, id mlops.ID) (plot, error) {
	const seconds = 60 // in a minute
	return c.byVersion(id, "requests / s", func(own, _ mlops.Figures) float64 { return float64(own.Requests) / seconds }), nil
}

func (c Config) plotErrors(_ *http.Request, id mlops.ID) (plot, error) {
	return c.byVersion(id, "% failed", func(own, _ mlops.Figures) float64 { return percent(own.Errors, own.Requests) }), nil
}

func (c Config) plotShare(_ *http.Request, id mlops.ID) (plot, error) {
	p := c.byVersion(id, "% of requests", func(own, all mlops.Figures) float64 { return percent(own.Requests, all.Requests) })
	p.Most = new(100.0)
	return p, nil
}

// percent has no value where there is nothing to have a share of.
func percent(part, whole int64) float64 {
	if whole == 0 {
		return math.NaN()
	}
	return 100 * float64(part) / float64(whole)
}

// byVersion has a line for each version, made of its figures in each minute and
// those of all versions.
func (c Config) byVersion(id mlops.ID, unit string, value func(own, all mlops.Figures) float64) plot {
	minutes := c.Minutes(id, time.Now().Add(-shown))
	times, at := timeline(minutes)
	p := plot{Names: versionsOf(minutes), Times: times, Unit: unit}
	for _, key := range p.Names {
		line := make([]float64, len(times))
		for i, t := range times {
			var own, all mlops.Figures
			for _, m := range at[t] {
				add(&all, m)
				if versionKey(m) == key {
					add(&own, m)
				}
			}
			line[i] = value(own, all)
		}
		p.Values = append(p.Values, line)
	}
	return p
}

// add counts a minute in, but for its latencies.
func add(f *mlops.Figures, m gateway.Minute) {
	f.Requests += m.Requests
	f.Errors += m.Errors
}

func (c Config) plotLatency(_ *http.Request, id mlops.ID) (plot, error) {
	times, at := timeline(c.Minutes(id, time.Now().Add(-shown)))
	p := plot{Names: []string{"p50", "p95", "p99"}, Times: times, Unit: "ms", Values: make([][]float64, 3)} //nolint:mnd // one for each name
	for _, t := range times {
		f := gateway.Summarize(at[t])
		for i, d := range []mlops.Duration{f.P50, f.P95, f.P99} {
			ms := float64(time.Duration(d).Microseconds()) / 1000 //nolint:mnd // µs in a ms
			if f.Requests == 0 {
				ms = math.NaN()
			}
			p.Values[i] = append(p.Values[i], ms)
		}
	}
	return p, nil
}
