package monitors

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/drift"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/table"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// CheckNow makes a check, whatever the schedule says, and returns its report.
func (s *Service) CheckNow(ctx context.Context, monitor mlops.ID) (mlops.MonitorReport, error) {
	defer s.lock(monitor)()
	r, err := s.table.Get(ctx, monitor)
	if err != nil {
		return mlops.MonitorReport{}, err
	}
	report := s.examine(ctx, r.Spec)
	if ctx.Err() != nil {
		return report, ctx.Err() // the engine closes: no finding
	}
	return report, s.conclude(ctx, &report)
}

// examination is one check under way.
type examination struct {
	spec    mlops.MonitorSpec
	base    *baseline
	window  *drift.Window
	quality []*columnQuality
	truth   *truth
	bias    *groups
	rows    int64
	strange int64
	report  mlops.MonitorReport
}

// examine makes a report. What goes wrong is in it.
func (s *Service) examine(ctx context.Context, spec mlops.MonitorSpec) mlops.MonitorReport {
	now := s.now().UTC()
	x := &examination{spec: spec, report: mlops.MonitorReport{
		Monitor: spec.ID(), At: now, From: now.Add(-windowOf(spec)), Until: now, Checks: map[string]mlops.CheckReport{},
	}}
	if err := s.gather(ctx, x); err != nil {
		x.report.State, x.report.Reason = mlops.MonitorBroken, "The check could not be made: "+err.Error()+"."
		return x.report
	}
	x.judge()
	if spec.Health != nil {
		x.report.Checks["health"] = healthReport(*spec.Health, gateway.Summarize(s.Minutes(spec.Endpoint, x.report.From)))
	}
	summarize(&x.report)
	return x.report
}

// gather reads the window.
func (s *Service) gather(ctx context.Context, x *examination) (err error) {
	if x.spec.Health != nil && len(x.spec.Checks()) == 1 {
		return nil
	}
	if x.base, err = s.baseline(ctx, x.spec.ID()); err != nil {
		return err
	}
	environment, err := s.environmentDir(ctx, x.spec.Endpoint)
	if err != nil {
		return err
	}
	captures := layout.CaptureDir(environment, x.spec.Endpoint.Name())
	if x.spec.ModelQuality != nil {
		if x.truth, err = readTruth(captures, *x.spec.ModelQuality, x.report.From); err != nil {
			return err
		}
	}
	x.prepare()
	got, err := readWindow(captures, x.report.From, x.report.Until, x.base.features(), x.take)
	x.rows, x.report.Rows = got.rows, got.rows
	if got.damaged > 0 {
		s.Log.Warn("captured lines are damaged", "monitor", x.spec.ID(), "lines", got.damaged)
	}
	return err
}

func (x *examination) prepare() {
	if x.base != nil {
		x.window = drift.NewWindow(x.base.Profile)
		for range x.base.Columns {
			x.quality = append(x.quality, &columnQuality{})
		}
	}
	if x.spec.Bias != nil {
		x.bias = newGroups(*x.spec.Bias)
	}
}

// take reads one instance into all that wants it.
func (x *examination) take(row instance) {
	if row.strange {
		x.strange++
	}
	if x.base != nil {
		for i, c := range x.base.features() {
			x.quality[i].take(row.features[i], c.Type)
			table.Add(x.window, i, c.Type, row.features[i])
		}
		if x.base.Predicted {
			last := len(x.base.Columns) - 1
			table.Add(x.window, last, x.base.Columns[last].Type, row.prediction)
		}
	}
	label, known := x.truth.take(row)
	if x.bias != nil && x.base != nil {
		at := slices.IndexFunc(x.base.features(), func(c table.Column) bool { return c.Name == x.spec.Bias.Group })
		if at >= 0 {
			x.bias.take(row.features[at].Text, row.prediction.Text, label, known)
		}
	}
}

// least is how many rows a check needs.
func (x *examination) least() int64 {
	if x.spec.MinRows > 0 {
		return x.spec.MinRows
	}
	return mlops.DefaultMinRows
}

// judge makes each check that was asked for.
func (x *examination) judge() {
	checks := map[string]func() mlops.CheckReport{
		"data_drift":       x.dataDrift,
		"prediction_drift": x.predictionDrift,
		"data_quality":     x.dataQuality,
		"model_quality":    x.modelQuality,
		"bias":             x.biased,
	}
	for _, kind := range x.spec.Checks() {
		check, ok := checks[kind]
		if !ok {
			continue // health needs no rows
		}
		if x.rows < x.least() {
			x.report.Checks[kind] = mlops.CheckReport{
				State: mlops.MonitorNoData, Rows: x.rows, Features: []mlops.FeatureReport{},
				Reason: fmt.Sprintf("%d rows in the window, %d are needed", x.rows, x.least()),
			}
			continue
		}
		x.report.Checks[kind] = check()
	}
}

// finish sets a check's state from its figures.
func finish(r mlops.CheckReport, violated bool, reason string) mlops.CheckReport {
	r.State = mlops.MonitorOK
	judged := slices.ContainsFunc(r.Features, func(f mlops.FeatureReport) bool { return f.Value != nil })
	switch {
	case violated:
		r.State, r.Reason = mlops.MonitorViolated, reason
	case !judged:
		r.State, r.Reason = mlops.MonitorNoData, "nothing could be judged"
	}
	return r
}

// summarize sets a report's state from its checks, and says it in a line.
func summarize(r *mlops.MonitorReport) {
	var violated, silent []string
	for _, kind := range mlops.MonitorChecks() {
		check, made := r.Checks[kind]
		switch {
		case !made:
		case check.State == mlops.MonitorViolated:
			violated = append(violated, kind+": "+check.Reason)
		case check.State != mlops.MonitorOK:
			silent = append(silent, kind+": "+check.Reason)
		}
	}
	switch {
	case len(violated) > 0:
		r.State, r.Reason = mlops.MonitorViolated, strings.Join(violated, "; ")
	case len(silent) == len(r.Checks) && len(silent) > 0:
		r.State, r.Reason = mlops.MonitorNoData, strings.Join(silent, "; ")
	default:
		r.State = mlops.MonitorOK
	}
}

// sinceOr is when a state began.
func sinceOr(before mlops.MonitorStatus, state mlops.MonitorState, now time.Time) time.Time {
	if before.State == state && !before.Since.IsZero() {
		return before.Since
	}
	return now
}
