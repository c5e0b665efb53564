package sagemaker

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Windows of CloudWatch alarms: up to a day in one period, up to a week in
// periods of an hour or more.
const (
	longestPeriod = 24 * time.Hour
	longestWindow = 7 * 24 * time.Hour
)

// longestDataWindow is how far back jobs look that need no truth. Source: the API's
// documentation of ScheduleConfig.
const longestDataWindow = 24 * time.Hour

// maxTruthURI is the longest URI of ground truth (the API's model); Clarify's is a
// folder below it.
const maxTruthURI = 512 - len("/"+biasTruth)

// Preflight refuses what only SageMaker does not have, and what this environment
// does not; see mlops.Preflighter.
func (k monitorKind) Preflight(ctx context.Context, spec mlops.MonitorSpec, c *mlops.Checker) error {
	checkMonitor(c, spec)
	checkCompleteMonitor(ctx, c, spec)
	if err := k.preflightTags(ctx, c, spec); err != nil || spec.ModelQuality == nil && spec.Explainability == nil || spec.Endpoint == "" {
		return err
	}
	p, err := k.place(ctx, spec.Endpoint)
	if err != nil {
		if k.is(err, mlops.NotFound) {
			return nil // it is made by the same apply
		}
		return err
	}
	checkTruthPlace(c, spec, p)
	checkExplainedPlace(c, spec, p)
	return nil
}

// checkMonitor refuses what SageMaker, CloudWatch and EventBridge cannot do.
func checkMonitor(c *mlops.Checker, spec mlops.MonitorSpec) {
	if w := time.Duration(spec.Window); w > longestWindow {
		c.Add(mlops.At("window"), "Window too long", "CloudWatch looks back at most 7 days.")
	} else if w != 0 && w < time.Minute {
		c.Add(mlops.At("window"), "Window too short", "CloudWatch counts in minutes; look back at least 1m.")
	}
	checkDataWindow(c, spec)
	if needsModelMonitor(spec) {
		if spec.MinRows != 0 {
			c.Add(mlops.At("min_rows"), "Not available on sagemaker", "SageMaker Model Monitor judges as many rows as there are: leave it out.")
		}
		if _, err := monitoringCron(spec.Schedule.Cron, spec.Schedule.Timezone); err != nil {
			c.Add(mlops.At("schedule", "cron"), "Not a schedule of Model Monitor", "SageMaker Model Monitor runs by the hour: %s.", err)
		}
	}
	checkMonitorDrift(c, mlops.At("data_drift"), spec.DataDrift)
	checkMonitorDrift(c, mlops.At("prediction_drift"), spec.PredictionDrift)
	if q := spec.DataQuality; q != nil && q.MaxRangePercent != nil {
		c.Add(mlops.At("data_quality", "max_range_percent"), "Not available on sagemaker", "SageMaker Model Monitor does not compare ranges: leave it out.")
	}
	checkMonitorQuality(c, spec.ModelQuality)
	checkMonitorBias(c, spec)
	checkMonitorExplained(c, spec)
	checkConsequences(c, spec)
	checkMonitorOverrides(c, spec)
}

// checkDataWindow refuses a window that only the monitor's other checks can have.
func checkDataWindow(c *mlops.Checker, spec mlops.MonitorSpec) {
	w := time.Duration(spec.Window)
	if w <= longestDataWindow || w > longestWindow {
		return
	}
	for _, t := range jobTypes() {
		for _, check := range spec.Checks() {
			if !t.needsTruth() && slices.Contains(t.checks, check) {
				c.AddIf(mlops.At("window"), paths([]string{"window", check}), "Window too long",
					"SageMaker Model Monitor looks back at most 24h for %s: shorten the window, or give the other checks a monitor of their own.", check)
				return
			}
		}
	}
}

func checkConsequences(c *mlops.Checker, spec mlops.MonitorSpec) {
	if a := spec.Alerts; a != nil && a.Repeat != 0 {
		c.Add(mlops.At("alerts", "repeat"), "Not available on sagemaker", "Alerts are sent when a state changes, and not repeated: leave it out.")
	}
	o := spec.OnViolation
	if o == nil {
		return
	}
	checkStarters(c, spec)
	if o.Cooldown != 0 {
		c.Add(mlops.At("on_violation", "cooldown"), "Not available on sagemaker", "EventBridge starts the pipeline at each violation and keeps no count: leave cooldown out, and let the schedule be as rare as a run may be.")
	}
	if o.MaxPerMonth != nil {
		c.Add(mlops.At("on_violation", "max_per_month"), "Not available on sagemaker", "EventBridge starts the pipeline at each violation and keeps no count: leave max_per_month out.")
	}
}

// checkStarters refuses to start the pipeline by one of two checks that are made by
// one job, which does not tell by which of them it was violated.
func checkStarters(c *mlops.Checker, spec mlops.MonitorSpec) {
	for _, t := range jobTypes() {
		made, started := 0, 0
		for _, check := range spec.Checks() {
			if slices.Contains(t.checks, check) {
				made++
				if spec.OnViolation.Starts(check) {
					started++
				}
			}
		}
		if started > 0 && started < made {
			c.AddIf(mlops.At("on_violation", "checks"), paths(t.checks, "on_violation"), "Not available on sagemaker",
				"SageMaker Model Monitor makes %s in one job: list them both, or neither.", strings.Join(t.checks, " and "))
		}
	}
}

// paths are those of some attributes.
func paths(names []string, more ...string) []mlops.Path {
	var all []mlops.Path
	for _, n := range slices.Concat(names, more) {
		all = append(all, mlops.At(n))
	}
	return all
}

func checkMonitorDrift(c *mlops.Checker, at mlops.Path, d *mlops.DriftCheck) {
	if d == nil {
		return
	}
	if d.Statistic != "" && d.Statistic != "ks" {
		c.Add(at.With("statistic"), "Not available on sagemaker", "SageMaker Model Monitor compares distributions by statistic = \"ks\" only.")
	}
	if d.MaxDrifted != nil && *d.MaxDrifted != 0 {
		c.Add(at.With("max_drifted_percent"), "Not available on sagemaker", "SageMaker Model Monitor reports any feature that drifted: leave it out.")
	}
}

// unmeasured are metrics that Model Monitor does not have.
func unmeasured() []string { return []string{"log_loss", "mape"} }

func checkMonitorQuality(c *mlops.Checker, q *mlops.ModelQualityCheck) {
	if q == nil {
		return
	}
	at := mlops.At("model_quality")
	truth := at.With("ground_truth_uri")
	switch {
	case q.GroundTruth == "":
		c.Add(truth, "No ground truth", "SageMaker Model Monitor reads the truth from S3, and endpoints take none: give a folder, such as s3://bucket/ground-truth.")
	case !isTruthURI(q.GroundTruth):
		c.Add(truth, "Not a folder in S3", "%q is not an S3 URI such as s3://bucket/ground-truth, of at most %d characters; SageMaker Model Monitor reads the truth from there.", q.GroundTruth, maxTruthURI)
	}
	for _, metric := range slices.Sorted(maps.Keys(q.Max)) {
		if slices.Contains(unmeasured(), metric) {
			c.Add(at.With("max", mlops.Key(metric)), "Not available on sagemaker", "SageMaker Model Monitor does not measure %s: leave it out.", metric)
		}
	}
	if q.Positive != "" && q.Positive != "1" {
		c.Add(at.With("positive"), "Not available on sagemaker", "SageMaker Model Monitor takes 1 for positive, and 0 for negative: leave positive out, and let the model predict these.")
	}
}

// isTruthURI reports whether there can be ground truth at a URI.
func isTruthURI(uri string) bool {
	_, _, err := parseS3(uri)
	return err == nil && len(strings.TrimRight(uri, "/")) <= maxTruthURI
}

// checkTruthPlace refuses ground truth where jobs cannot read it: the role that was
// made for an environment reads its own part of its bucket alone.
func checkTruthPlace(c *mlops.Checker, spec mlops.MonitorSpec, p place) {
	q := spec.ModelQuality
	if q == nil || !isTruthURI(q.GroundTruth) || !slices.Contains(p.Made, partRole) {
		return
	}
	if !strings.HasPrefix(q.GroundTruth, p.uri("")) {
		c.Add(mlops.At("model_quality", "ground_truth_uri"), "Out of reach", "The environment's role reads %s alone, and %q is elsewhere: keep the truth there, or let the environment bring a role that reads it.", p.uri(""), q.GroundTruth)
	}
}

func checkMonitorBias(c *mlops.Checker, spec mlops.MonitorSpec) {
	b := spec.Bias
	if b == nil {
		return
	}
	at, quality, baseline := mlops.At("bias"), mlops.At("model_quality"), mlops.At("baseline")
	if spec.ModelQuality == nil {
		c.AddIf(at, []mlops.Path{quality}, "No ground truth", "SageMaker Clarify compares groups where the truth is known: give the monitor model_quality with its ground_truth_uri too.")
	}
	group := at.With("group")
	if !isASCII(b.Group) {
		c.Add(group, "Not available on sagemaker", "CloudWatch names what it measures in ASCII, and %q is not.", b.Group)
	}
	switch s := spec.Baseline; {
	case s == nil:
		c.AddIf(at, []mlops.Path{baseline}, "No baseline", "SageMaker Clarify has to be told of groups: give the monitor a baseline, which shows them.")
	case len(s.Features) == 0:
		c.AddIf(group, []mlops.Path{baseline.With("features")}, "No features", "SageMaker Clarify has to be told what each value of a request is: list the features in baseline.features.")
	case !slices.Contains(s.Features, b.Group):
		c.AddIf(group, []mlops.Path{group, baseline.With("features")}, "Unknown feature", "%q is not among the baseline's features.%s", b.Group, mlops.DidYouMean(b.Group, s.Features))
	}
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// readsBaseline reports whether a job needs the baseline's data.
func readsBaseline(spec mlops.MonitorSpec) bool {
	return spec.DataDrift != nil || spec.DataQuality != nil || spec.PredictionDrift != nil || spec.Bias != nil || spec.Explainability != nil
}
