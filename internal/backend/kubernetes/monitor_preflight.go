package kubernetes

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/schedule"
)

// Preflight refuses what only the cluster does not take, and what this environment has
// no means for; see mlops.Preflighter.
func (k monitorKind) Preflight(ctx context.Context, spec mlops.MonitorSpec, c *mlops.Checker) error {
	if spec.Endpoint == "" { // it is made by the same apply
		checkMonitor(c, spec)
		return nil
	}
	s, known, err := k.preflight(ctx, c, monitorDemands(spec))
	if !known {
		return err
	}
	seen, err := k.look(ctx, s)
	if ok, err := k.mayBe(c, err); !ok {
		return err
	}
	return k.rehearseMonitor(ctx, c, s, spec, seen.record)
}

// rehearseMonitor has the API server judge the objects of a monitor. What it refers to
// may be made by the same apply: then its job is not judged.
func (k monitorKind) rehearseMonitor(ctx context.Context, c *mlops.Checker, s scene, spec mlops.MonitorSpec, former record) error {
	plan, err := k.plan(ctx, s, spec, former)
	if err := k.reportMissing(c, err); err != nil {
		return err
	}
	for _, m := range plan.parts {
		have, err := s.cluster.get(ctx, m.identity)
		if err == nil && !isPartOf(have, s.id) {
			c.Add(mlops.At("name"), "Taken", "%s exists in the namespace %s and is not of %s.", m.words(), m.namespace, s.id)
			return nil
		}
		if err != nil && !isNotFound(err) {
			return err
		}
		if m.kind == kindRole || m.kind == kindRoleBinding {
			continue // the one is judged by whether the other is there
		}
		if err := k.rehearsePart(ctx, c, s, plan, m); err != nil {
			return err
		}
	}
	return nil
}

// rehearsePart has the API server judge an object. What it refuses of one that it would
// take without overrides is their fault.
func (k monitorKind) rehearsePart(ctx context.Context, c *mlops.Checker, s scene, plan monitorPlan, m manifest) error {
	_, err := s.cluster.rehearse(ctx, m)
	if err == nil {
		return nil
	}
	err = k.explain(err, m.identity, monitorOrigins())
	if bare, ok := plan.bare[m.kind]; ok {
		if _, without := s.cluster.rehearse(ctx, bare); without == nil {
			err = &mlops.Error{Code: k.Code(err), Field: "overrides", Err: errors.New(mlops.Message(err))}
		}
	}
	return k.report(c, err)
}

// reportMissing is report for what a plan may refer to before it is there.
func (k monitorKind) reportMissing(c *mlops.Checker, err error) error {
	e, ok := errors.AsType[*mlops.Error](err)
	if k.is(err, mlops.NotFound) || ok && e.Field == "on_violation.pipeline" {
		return nil
	}
	return k.report(c, err)
}

// monitorNeeds lists what a spec needs of a cluster.
func monitorNeeds(spec mlops.MonitorSpec) []capability {
	var needs []capability
	if spec.Health != nil || spec.Alerts != nil {
		needs = append(needs, needsPrometheus)
	}
	if spec.Alerts != nil {
		needs = append(needs, needsAlertmanager)
	}
	if len(jobChecks(spec)) > 0 {
		needs = append(needs, needsArgo)
	}
	return needs
}

// checkMonitor refuses what a monitor cannot be on Kubernetes.
func checkMonitor(c *mlops.Checker, spec mlops.MonitorSpec) {
	if c.Known(mlops.At("schedule", "cron")) {
		if _, err := schedule.Parse(spec.Schedule); err != nil {
			c.Add(mlops.At("schedule", "cron"), "Not a schedule", "%s.", err)
		}
	}
	if q := spec.ModelQuality; q != nil && q.GroundTruth == "" {
		c.AddIf(mlops.At("model_quality"), []mlops.Path{mlops.At("model_quality", "ground_truth_uri")}, "No ground truth",
			"Endpoints take no truth in on Kubernetes: give model_quality a ground_truth_uri, a file or folder of JSON lines in storage.")
	}
	checkAddresses(c, spec)
	checkMonitorOverrides(c, spec)
	checkRetraining(c, spec)
}

// checkRetraining refuses what Argo cannot do of a violation's consequence.
func checkRetraining(c *mlops.Checker, spec mlops.MonitorSpec) {
	o := spec.OnViolation
	if o == nil {
		return
	}
	at := mlops.At("on_violation")
	if i := slices.Index(o.Checks, checkHealth); i >= 0 {
		c.Add(at.With("checks", i), "Not available on kubernetes", "Health is watched by Prometheus, which starts no pipeline: list checks that a job makes, or let a webhook of alerts start it.")
	}
	if len(jobChecks(spec)) == 0 {
		c.AddIf(at, []mlops.Path{at}, "Nothing starts it", "Health is watched by Prometheus, which starts no pipeline: give the monitor a check that a job makes, such as data_drift.")
	}
	for _, key := range slices.Sorted(maps.Keys(o.Parameters)) {
		if err := checkFetched(o.Parameters[key]); err != nil {
			c.Add(at.With("parameters", mlops.Key(key)), "Not a value here", "%q has two braces, which Argo Workflows takes for a reference of its own.", o.Parameters[key])
		}
	}
}

// checkMonitorPlace refuses what the environment has no means for.
func checkMonitorPlace(c *mlops.Checker, spec mlops.MonitorSpec, l layout) {
	checkHealthPlace(c, spec, l)
	jobs := jobChecks(spec)
	if len(jobs) == 0 {
		return
	}
	at := mlops.At(jobs[0])
	switch s := l.spec.Target.Settings; {
	case s.String(targetCapture) != "":
		c.Add(at, "Captures are elsewhere", "Jobs read what was captured from storage, and this environment sends it to kubernetes.capture_url: leave that out, and give the environment a kubernetes.storage_uri in S3 or Google Cloud Storage.")
	case !slices.Contains([]string{"s3", "gs"}, l.storage.scheme()):
		c.Add(at, "No captures", "Jobs read what KServe's logger writes, to s3:// and gs://: give the environment such a kubernetes.storage_uri.")
	}
	if spec.Alerts != nil && l.pushgateway() == "" {
		c.Add(mlops.At("alerts"), "Nobody would be told", "Alerts of %s go by figures that the job pushes: set kubernetes.pushgateway_url of the environment to a Prometheus Pushgateway, which Prometheus collects from.", strings.Join(jobs, ", "))
	}
	checkMonitorData(c, spec, l)
}

// checkHealthPlace refuses limits that nobody has figures for.
func checkHealthPlace(c *mlops.Checker, spec mlops.MonitorSpec, l layout) {
	at := mlops.At(checkHealth)
	switch h := spec.Health; {
	case h == nil:
	case l.spec.Target.Settings.String(targetPrometheus) == "":
		c.Add(at, "Nothing to judge by", "Health is judged by Prometheus' figures: set kubernetes.prometheus_url of the environment.")
	case h.MaxErrorPercent != nil && figuresOf(l).errors == "":
		c.Add(at.With("max_error_percent"), "Errors are not counted", "KServe's model servers count no errors: use kubernetes.metrics = \"istio\" with an Istio gateway, or leave it out.")
	}
}

// checkMonitorData refuses data that Argo cannot fetch.
func checkMonitorData(c *mlops.Checker, spec mlops.MonitorSpec, l layout) {
	at, err := artifactsOf(l)
	if err != nil {
		at = artifacts{layout: l}
	}
	check := func(path mlops.Path, flag, uri string) {
		if uri == "" || !c.Known(path) {
			return
		}
		if _, err := at.input(flag, uri); err != nil {
			c.Add(path, "Nothing to fetch", "%s.", err)
		}
	}
	if spec.Baseline != nil {
		check(mlops.At("baseline", "uri"), inputBaseline, spec.Baseline.URI)
	}
	if spec.ModelQuality != nil {
		check(mlops.At("model_quality", "ground_truth_uri"), inputTruth, spec.ModelQuality.GroundTruth)
	}
}
