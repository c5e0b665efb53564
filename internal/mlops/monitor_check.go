package mlops

import (
	"maps"
	"math"
	"net/mail"
	"net/url"
	"slices"
	"strings"
)

// Validate checks what every backend refuses.
func (s MonitorSpec) Validate(c *Checker) {
	checkLabels(c, At("labels"), s.Labels)
	checkID(c, At("endpoint"), s.Endpoint, NounModelEndpoint)
	checkPositive(c, At("window"), s.Window)
	if s.MinRows < 0 {
		c.Add(At("min_rows"), "Negative number of rows", "min_rows is 1 or more.")
	}
	all := []Path{}
	for _, k := range MonitorChecks() {
		all = append(all, At(k))
	}
	if len(s.Checks()) == 0 {
		c.AddIf(nil, all, "No checks", "Give the monitor at least one of %s.", list(MonitorChecks()))
	}
	s.validateBaseline(c)
	s.DataDrift.validate(c, At("data_drift"), s.Baseline)
	s.PredictionDrift.validate(c, At("prediction_drift"), nil)
	s.DataQuality.validate(c, At("data_quality"))
	s.ModelQuality.validate(c, At("model_quality"))
	s.Bias.validate(c, At("bias"), s.ModelQuality)
	s.Explainability.validate(c, At("explainability"))
	s.Health.validate(c, At("health"))
	s.Alerts.validate(c, At("alerts"))
	s.OnViolation.validate(c, At("on_violation"), s)
	checkOverrides(c, At("overrides"), s.Overrides)
}

func (s MonitorSpec) validateBaseline(c *Checker) {
	at, b := At("baseline"), s.Baseline
	if b == nil {
		for _, k := range []string{"data_drift", "prediction_drift", "data_quality", "explainability"} {
			if slices.Contains(s.Checks(), k) {
				c.AddIf(At(k), []Path{at}, "No baseline", "%s compares with a baseline; give the monitor one.", k)
			}
		}
		return
	}
	sources := []Path{at.With("dataset"), at.With("run"), at.With("uri")}
	given := 0
	for _, is := range []bool{b.Dataset != "", b.Run != "", b.URI != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		c.AddIf(at, sources, "One source", "Give a baseline exactly one of dataset, run and uri; %d are given.", given)
	}
	if b.Run != "" && b.Output == "" {
		c.Add(at.With("output"), "Missing output", "Say which output of the run holds the data: output = \"train\", or \"step.train\".")
	}
	checkID(c, at.With("dataset"), b.Dataset, NounDataset)
	checkID(c, at.With("run"), b.Run, NounPipelineRun)
	checkFormat(c, at.With("format"), b.Format)
	checkDistinct(c, at.With("features"), b.Features)
}

// checkID refuses an ID that names something else. An empty one is not there.
func checkID(c *Checker, at Path, id ID, noun Noun) {
	if id == "" {
		return
	}
	if _, err := id.ParseAs(noun); err != nil {
		c.Add(at, "Not "+noun.One(), "%s.", err)
	}
}

func checkDistinct(c *Checker, at Path, names []string) {
	for i, n := range names {
		if n == "" {
			c.Add(at.With(i), "Empty name", "A feature is named as the baseline's column is.")
		} else if slices.Contains(names[:i], n) {
			c.Add(at.With(i), "Repeated feature", "%q is listed twice.", n)
		}
	}
}

func (d *DriftCheck) validate(c *Checker, at Path, b *Baseline) {
	if d == nil {
		return
	}
	if d.Statistic != "" && !slices.Contains(DriftStatistics(), d.Statistic) {
		c.Add(at.With("statistic"), "Unknown statistic", "%q is no statistic of drift; use one of %s.%s", d.Statistic, list(DriftStatistics()), DidYouMean(d.Statistic, DriftStatistics()))
	}
	if t := d.Threshold; t != nil && !(*t > 0 && !math.IsInf(*t, 0)) {
		c.Add(at.With("threshold"), "Not a threshold", "A threshold is a number above 0; it is %g.", *t)
	}
	if d.Threshold != nil && d.Statistic == "" {
		c.AddIf(at.With("threshold"), []Path{at.With("statistic"), at.With("threshold")}, "Threshold of what", "A threshold belongs to a statistic; say which, one of %s.", list(DriftStatistics()))
	}
	checkPercent(c, at.With("max_drifted_percent"), d.MaxDrifted)
	checkDistinct(c, at.With("features"), d.Features)
	if b == nil || len(b.Features) == 0 {
		return
	}
	for i, f := range d.Features {
		if !slices.Contains(b.Features, f) {
			c.AddIf(at.With("features", i), []Path{at.With("features"), At("baseline", "features")}, "Unknown feature", "%q is not among the baseline's features.%s", f, DidYouMean(f, b.Features))
		}
	}
}

func checkPercent(c *Checker, at Path, p *float64) {
	if p != nil && !(*p >= 0 && *p <= 100) {
		c.Add(at, "Not a percentage", "A percentage is from 0 to 100; this is %g.", *p)
	}
}

func (d *DataQualityCheck) validate(c *Checker, at Path) {
	if d == nil {
		return
	}
	checkPercent(c, at.With("max_missing_percent"), d.MaxMissingPercent)
	checkPercent(c, at.With("max_type_percent"), d.MaxTypePercent)
	checkPercent(c, at.With("max_range_percent"), d.MaxRangePercent)
	checkPercent(c, at.With("max_category_percent"), d.MaxCategoryPercent)
}

func (q *ModelQualityCheck) validate(c *Checker, at Path) {
	if q == nil {
		return
	}
	if !slices.Contains(QualityTasks(), q.Task) {
		c.Add(at.With("task"), "Unknown task", "%q is no task; use one of %s.%s", q.Task, list(QualityTasks()), DidYouMean(q.Task, QualityTasks()))
		return
	}
	if len(q.Min)+len(q.Max) == 0 {
		c.AddIf(at, []Path{at.With("min"), at.With("max")}, "No limits", "Say what the model must keep to: min = { accuracy = 0.9 }, or max = { rmse = 3 }.")
	}
	low, high := QualityMetrics(q.Task)
	checkMetrics(c, at.With("min"), q.Task, q.Min, low)
	checkMetrics(c, at.With("max"), q.Task, q.Max, high)
	checkPositive(c, at.With("delay"), q.Delay)
}

func checkMetrics(c *Checker, at Path, task string, limits map[string]float64, known []string) {
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		if !slices.Contains(known, name) {
			c.Add(at.With(Key(name)), "Unknown metric", "%q cannot be limited here; for %s there is %s.%s", name, task, list(known), DidYouMean(name, known))
		}
	}
}

func (b *BiasCheck) validate(c *Checker, at Path, quality *ModelQualityCheck) {
	if b == nil {
		return
	}
	if b.Group == "" {
		c.Add(at.With("group"), "Empty group", "Name the feature that holds the group.")
	}
	if !slices.Contains(BiasStatistics(), b.Statistic) {
		c.Add(at.With("statistic"), "Unknown statistic", "%q is no statistic of bias; use one of %s.%s", b.Statistic, list(BiasStatistics()), DidYouMean(b.Statistic, BiasStatistics()))
	}
	if !(b.Threshold > 0 && b.Threshold <= 1) {
		c.Add(at.With("threshold"), "Not a threshold", "The threshold is above 0 and at most 1; it is %g.", b.Threshold)
	}
	if b.Statistic == "equal_opportunity_difference" && quality == nil {
		c.AddIf(at.With("statistic"), []Path{at.With("statistic"), At("model_quality")}, "No ground truth", "equal_opportunity_difference needs the truth; give the monitor model_quality too.")
	}
}

func (e *ExplainabilityCheck) validate(c *Checker, at Path) {
	if e == nil {
		return
	}
	if n := e.MinNDCG; n != nil && !(*n > 0 && *n <= 1) {
		c.Add(at.With("min_ndcg"), "Not a threshold", "The threshold is above 0 and at most 1; it is %g.", *n)
	}
	if e.Samples < 0 {
		c.Add(at.With("samples"), "Negative number of samples", "samples is 1 or more.")
	}
}

func (h *HealthCheck) validate(c *Checker, at Path) {
	if h == nil {
		return
	}
	checkPercent(c, at.With("max_error_percent"), h.MaxErrorPercent)
	checkPositive(c, at.With("max_p50"), h.MaxP50)
	checkPositive(c, at.With("max_p95"), h.MaxP95)
	checkPositive(c, at.With("max_p99"), h.MaxP99)
	if h.MinRequests < 0 {
		c.Add(at.With("min_requests"), "Negative number of requests", "min_requests is 0 or more.")
	}
	if *h == (HealthCheck{}) {
		c.AddIf(at, []Path{at}, "No limits", "Say what the endpoint must keep to: max_error_percent, max_p50, max_p95, max_p99 or min_requests.")
	}
}

func (a *Alerts) validate(c *Checker, at Path) {
	if a == nil {
		return
	}
	if a.WebhookURL != "" {
		if u, err := url.Parse(a.WebhookURL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			c.Add(at.With("webhook_url"), "Not a URL", "The webhook is an http or https URL.")
		}
	}
	checkEmails(c, at.With("emails"), a.Emails)
	checkPositive(c, at.With("repeat"), a.Repeat)
}

func checkEmails(c *Checker, at Path, addresses []string) {
	for i, a := range addresses {
		if p, err := mail.ParseAddress(a); err != nil || p.Address != a || strings.ContainsAny(a, "\r\n") {
			c.Add(at.With(i), "Not an e-mail address", "%q is no e-mail address.", a)
		}
	}
}

func (o *OnViolation) validate(c *Checker, at Path, s MonitorSpec) {
	if o == nil {
		return
	}
	checkID(c, at.With("pipeline"), o.Pipeline, NounPipeline)
	checkPositive(c, at.With("cooldown"), o.Cooldown)
	if m := o.MaxPerMonth; m != nil && *m < 0 {
		c.Add(at.With("max_per_month"), "Negative number", "max_per_month is 0 or more; 0 never starts the pipeline.")
	}
	if o.Pipeline != "" && s.Endpoint != "" && o.Pipeline.Environment() != s.Endpoint.Environment() {
		c.AddIf(at.With("pipeline"), []Path{at.With("pipeline"), At("endpoint")}, "Another environment", "The pipeline must be of the endpoint's environment %q.", s.Endpoint.Environment())
	}
	for i, k := range o.Checks {
		if !slices.Contains(MonitorChecks(), k) {
			c.Add(at.With("checks", i), "Unknown check", "%q is no check; use one of %s.%s", k, list(MonitorChecks()), DidYouMean(k, MonitorChecks()))
		} else if !slices.Contains(s.Checks(), k) {
			c.AddIf(at.With("checks", i), []Path{at.With("checks"), At(k)}, "Check not made", "The monitor has no %s.", k)
		}
	}
}
