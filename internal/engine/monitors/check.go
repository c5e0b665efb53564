package monitors

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/drift"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/table"
)

// CheckNow makes a check, whatever the schedule says, and returns its report. A
// monitor that is not in force is a Conflict.
func (s *Service) CheckNow(ctx context.Context, monitor mlops.ID) (mlops.MonitorReport, error) {
	defer s.lock(monitor)()
	r, err := s.table.Get(ctx, monitor)
	if err != nil {
		return mlops.MonitorReport{}, err
	}
	if r.Revision == "" {
		return mlops.MonitorReport{}, mlops.NewError(mlops.Conflict, fmt.Errorf("%s is not in force: %s", monitor, r.Reason))
	}
	report := s.examine(ctx, r)
	if ctx.Err() != nil {
		return report, ctx.Err() // the engine closes: no finding
	}
	return report, s.conclude(ctx, &report)
}

// examination is one check under way.
type examination struct {
	spec   mlops.MonitorSpec
	base   *baseline
	window *drift.Window
	schema schema
	truth  *truth
	bias   *groups
	rows   int64
	report mlops.MonitorReport

	silence string // why there can be no data
	broken  error  // why data could not be read
}

// examine makes a report. What goes wrong is in it.
func (s *Service) examine(ctx context.Context, r record) mlops.MonitorReport {
	now := s.now().UTC()
	x := &examination{spec: r.Spec, base: &baseline{}, report: mlops.MonitorReport{
		Monitor: r.ID, At: now, From: now.Add(-windowOf(r.Spec)), Until: now, Checks: map[string]mlops.CheckReport{},
	}}
	if needsCaptures(r.Spec) {
		x.broken = s.gather(ctx, x, r)
	}
	x.judge()
	if r.Spec.Health != nil {
		x.report.Checks["health"] = s.health(ctx, r, x.report.From)
	}
	for kind, check := range x.report.Checks {
		x.report.Checks[kind] = bounded(check)
	}
	summarize(&x.report)
	return x.report
}

// needsCaptures reports whether a monitor reads what the endpoint captures: all
// that looks at more than the traffic's figures.
func needsCaptures(spec mlops.MonitorSpec) bool {
	return slices.ContainsFunc(spec.Checks(), func(kind string) bool { return kind != "health" })
}

// gather reads the window.
func (s *Service) gather(ctx context.Context, x *examination, r record) (err error) {
	endpoint, err := s.Store.Endpoints().Get(ctx, x.spec.Endpoint)
	if err != nil {
		return err
	}
	if !captures(endpoint.Observed().Spec) {
		x.silence = fmt.Sprintf("%s captures nothing any more; give it capture = {}", x.spec.Endpoint)
		return nil
	}
	if x.base, err = s.baseline(ctx, r); err != nil {
		return err
	}
	environment, err := s.environmentDir(ctx, x.spec.Endpoint)
	if err != nil {
		return err
	}
	return s.read(ctx, x, layout.CaptureDir(environment, x.spec.Endpoint.Name()))
}

// read reads the captures of the window; those of longer ago too where their
// truth may have come since.
func (s *Service) read(ctx context.Context, x *examination, captures string) (err error) {
	from := x.report.From
	if q := x.spec.ModelQuality; q != nil {
		delay := q.Delay.Or(0)
		from = from.Add(-delay)
		if x.truth, err = readTruth(ctx, captures, *q, from, x.report.Until.Add(-delay)); err != nil {
			return err
		}
	}
	x.prepare()
	damaged, err := readWindow(ctx, captures, from, x.report.Until, x.columns(), x.take)
	x.report.Rows = x.rows
	if x.truth != nil {
		damaged += x.truth.damaged
	}
	if damaged > 0 {
		x.report.Reason = fmt.Sprintf("%d lines could not be read and were passed over", damaged)
		s.Log.Warn("captured lines are damaged", "monitor", x.spec.ID(), "lines", damaged)
	}
	return err
}

func (x *examination) prepare() {
	if x.base.isThere() {
		x.window = drift.NewWindow(x.base.Profile)
	}
	x.schema = schema{unfit: make([]int64, len(x.columns())), unknown: map[string]int64{}}
	if x.spec.Bias != nil {
		x.bias = newGroups(*x.spec.Bias)
	}
}

// columns are what instances are read as: the baseline's features, or, without
// one, the group alone, which only requests with names show.
func (x *examination) columns() []table.Column {
	if !x.base.isThere() && x.spec.Bias != nil {
		return []table.Column{{Name: x.spec.Bias.Group, Type: table.String}}
	}
	return x.base.features()
}

// take reads one instance into all that wants it. One of before the window is for
// those who wait for its truth.
func (x *examination) take(row instance) {
	label, known := x.truth.take(row)
	isEarlier := row.at.Before(x.report.From)
	if x.bias != nil && (!isEarlier || x.bias.needsTruth()) {
		x.takeOutcome(row, label, known)
	}
	if isEarlier {
		return
	}
	x.rows++
	features := x.columns()
	x.schema.take(row, features)
	if x.base.isThere() {
		for i, c := range features {
			table.Add(x.window, i, c.Type, row.features[i])
		}
		if x.base.Predicted {
			last := len(x.base.columns) - 1
			table.Add(x.window, last, x.base.columns[last].Type, row.prediction)
		}
	}
}

// takeOutcome counts an instance in its group, which a request without names does
// not show where there is no baseline.
func (x *examination) takeOutcome(row instance, label table.Cell, known bool) {
	if !x.base.isThere() && row.positional {
		return
	}
	at := slices.IndexFunc(x.columns(), func(c table.Column) bool { return c.Name == x.spec.Bias.Group })
	x.bias.take(row.features[at].Text, row.prediction.Text, label, known)
}

// least is how many rows a check needs.
func (x *examination) least() int64 {
	if x.spec.MinRows > 0 {
		return x.spec.MinRows
	}
	return mlops.DefaultMinRows
}

// judge makes each check that was asked for. Health needs no rows.
func (x *examination) judge() {
	checks := map[string]func() mlops.CheckReport{
		"data_drift":       x.dataDrift,
		"prediction_drift": x.predictionDrift,
		"data_quality":     x.dataQuality,
		"model_quality":    x.modelQuality,
		"bias":             x.biased,
	}
	for _, kind := range x.spec.Checks() {
		if check, ok := checks[kind]; ok {
			x.report.Checks[kind] = x.judgeOne(kind, check)
		}
	}
}

// judgeOne makes a check if there is something to judge. Model quality counts the
// rows whose truth is known itself.
func (x *examination) judgeOne(kind string, check func() mlops.CheckReport) mlops.CheckReport {
	r := mlops.CheckReport{State: mlops.MonitorNoData, Rows: x.rows, Features: []mlops.FeatureReport{}}
	switch {
	case x.broken != nil:
		r.State, r.Reason = mlops.MonitorBroken, "the check could not be made: "+mlops.Message(x.broken)
	case x.silence != "":
		r.Reason = x.silence
	case x.rows < x.least() && kind != "model_quality":
		r.Reason = fmt.Sprintf("%d rows in the window, %d are needed", x.rows, x.least())
	default:
		return check()
	}
	return r
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

// bounded makes figures such that JSON has them.
func bounded(r mlops.CheckReport) mlops.CheckReport {
	for i, f := range r.Features {
		switch {
		case f.Value == nil:
		case math.IsNaN(*f.Value):
			r.Features[i].Value, r.Features[i].Reason = nil, "cannot be computed of such numbers"
		default:
			r.Features[i].Value = new(min(max(*f.Value, -math.MaxFloat64), math.MaxFloat64))
		}
	}
	return r
}

// summarize sets a report's state from its checks, and says it in a line. What is
// violated is, whatever else could not be judged.
func summarize(r *mlops.MonitorReport) {
	said := map[mlops.MonitorState][]string{}
	for _, kind := range mlops.MonitorChecks() {
		if check, made := r.Checks[kind]; made {
			said[check.State] = append(said[check.State], kind+": "+check.Reason)
		}
	}
	switch {
	case len(said[mlops.MonitorViolated]) > 0:
		r.State = mlops.MonitorViolated
	case len(said[mlops.MonitorBroken]) > 0:
		r.State = mlops.MonitorBroken
	case len(said[mlops.MonitorOK]) > 0:
		r.State = mlops.MonitorOK
		return // that some had nothing to judge is in the checks
	default:
		r.State = mlops.MonitorNoData
	}
	if r.Reason != "" {
		said[r.State] = append(said[r.State], r.Reason)
	}
	r.Reason = strings.Join(said[r.State], "; ")
}

// sinceOr is when a state began.
func sinceOr(before mlops.MonitorStatus, state mlops.MonitorState, now time.Time) time.Time {
	if before.State == state && !before.Since.IsZero() {
		return before.Since
	}
	return now
}
