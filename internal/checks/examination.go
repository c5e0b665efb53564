package checks

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/drift"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/table"
)

// Examination is one check of a monitor under way. It is for one goroutine.
type Examination struct {
	spec   mlops.MonitorSpec
	base   *Baseline
	window *drift.Window
	schema schema
	truth  *truth
	bias   *groups
	rows   int64
	report mlops.MonitorReport

	notes   []string
	silence string // why there can be no data
	broken  error  // why data could not be read
}

// New begins the check of a monitor at a time, which ends its window.
func New(monitor mlops.ID, spec mlops.MonitorSpec, now time.Time) *Examination {
	now = now.UTC()
	x := &Examination{spec: spec, report: mlops.MonitorReport{
		Monitor: monitor, At: now, From: now.Add(-Window(spec)), Until: now, Checks: map[string]mlops.CheckReport{},
	}}
	x.Compare(&Baseline{})
	if spec.ModelQuality != nil {
		x.truth = newTruth(*spec.ModelQuality, now.Add(-x.delay()))
	}
	return x
}

// Window is how far back a check looks.
func Window(spec mlops.MonitorSpec) time.Duration { return spec.Window.Or(mlops.DefaultWindow) }

// ReadsCaptures reports whether a monitor reads what the endpoint captures: all
// that looks at more than the traffic's figures.
func ReadsCaptures(spec mlops.MonitorSpec) bool {
	return slices.ContainsFunc(spec.Checks(), func(kind string) bool { return kind != "health" })
}

// Since is from when on requests count: those of before the window do where their
// truth may have come since.
func (x *Examination) Since() time.Time { return x.report.From.Add(-x.delay()) }

// Until is when the window ends.
func (x *Examination) Until() time.Time { return x.report.Until }

// delay is how long the truth of a request is waited for.
func (x *Examination) delay() time.Duration {
	if q := x.spec.ModelQuality; q != nil {
		return q.Delay.Or(0)
	}
	return 0
}

// Break says why requests could not be read: no check of them can be made.
func (x *Examination) Break(why error) { x.broken = why }

// Silence says why there can be no requests.
func (x *Examination) Silence(why string) { x.silence = why }

// Note adds to what the report says, whatever it finds.
func (x *Examination) Note(text string) { x.notes = append(x.notes, text) }

// Compare sets the baseline, before the first request; an empty one where the monitor
// has none.
func (x *Examination) Compare(with *Baseline) {
	x.base = with
	if with.IsThere() {
		x.window = drift.NewWindow(with.Profile)
	}
	x.schema = schema{unfit: make([]int64, len(x.columns())), unknown: map[string]int64{}}
	if x.spec.Bias != nil {
		x.bias = newGroups(*x.spec.Bias)
	}
}

// columns are what instances are read as: the baseline's features, or, without
// one, the group alone, which only requests with names show.
func (x *Examination) columns() []table.Column {
	if !x.base.IsThere() && x.spec.Bias != nil {
		return []table.Column{{Name: x.spec.Bias.Group, Type: table.String}}
	}
	return x.base.features()
}

// Take takes a request with all its instances, if it counts.
func (x *Examination) Take(c Captured) {
	if !c.In(x.Since(), x.report.Until) {
		return
	}
	for _, row := range instancesOf(c, x.columns()) {
		x.take(row)
	}
}

// Report makes every check of what was taken. Others are reports of checks that were
// made elsewhere, by kind.
func (x *Examination) Report(others map[string]mlops.CheckReport) mlops.MonitorReport {
	x.report.Rows = x.rows
	x.report.Reason = strings.Join(x.notes, "; ")
	x.judge()
	maps.Copy(x.report.Checks, others)
	for kind, check := range x.report.Checks {
		x.report.Checks[kind] = bounded(check)
	}
	summarize(&x.report)
	return x.report
}

// take reads one instance into all that wants it. One of before the window is for
// those who wait for its truth.
func (x *Examination) take(row instance) {
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
	if x.base.IsThere() {
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
func (x *Examination) takeOutcome(row instance, label table.Cell, known bool) {
	if !x.base.IsThere() && row.positional {
		return
	}
	at := slices.IndexFunc(x.columns(), func(c table.Column) bool { return c.Name == x.spec.Bias.Group })
	x.bias.take(row.features[at].Text, row.prediction.Text, label, known)
}

// least is how many rows a check needs.
func (x *Examination) least() int64 {
	if x.spec.MinRows > 0 {
		return x.spec.MinRows
	}
	return mlops.DefaultMinRows
}

// judge makes each check that was asked for. Health needs no rows.
func (x *Examination) judge() {
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
func (x *Examination) judgeOne(kind string, check func() mlops.CheckReport) mlops.CheckReport {
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

// Finish sets a check's state from its figures.
func Finish(r mlops.CheckReport, violated bool, reason string) mlops.CheckReport {
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
