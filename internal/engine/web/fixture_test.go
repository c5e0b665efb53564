package web

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/store"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// shelf is objects of one noun.
type shelf[S, T any] []mlops.Observed[S, T]

func (s shelf[S, T]) Get(_ context.Context, ref mlops.ID) (mlops.Observed[S, T], error) {
	for _, o := range s {
		if o.Ref == ref {
			return o, nil
		}
	}
	return mlops.Observed[S, T]{}, mlops.NewError(mlops.NotFound, fmt.Errorf("there is no %s", ref))
}

func (s shelf[S, T]) List(_ context.Context, under mlops.ID) ([]mlops.Observed[S, T], error) {
	var out []mlops.Observed[S, T]
	for _, o := range s {
		if under == "" || strings.HasPrefix(string(o.Ref), string(under)+"/") {
			out = append(out, o)
		}
	}
	return out, nil
}

// The objects of the fixture.
const (
	dev         mlops.ID = "local/churn-dev"
	experiment           = dev + "/experiments/tuning"
	dataset              = dev + "/datasets/customers"
	pipeline             = dev + "/pipelines/train"
	goodRun              = pipeline + "/runs/r-5f1c09ab12"
	badRun               = pipeline + "/runs/r-9d04e7710c"
	model                = dev + "/models/churn"
	version1             = model + "/versions/1"
	version2             = model + "/versions/2"
	endpoint             = dev + "/endpoints/churn"
	monitor              = dev + "/monitors/drift"
	prod        mlops.ID = "local/churn-prod"
	prodVersion          = prod + "/models/churn/versions/1"
)

// everything lists a page of each kind.
func everything() map[string]string {
	pages := map[string]string{"environments": Root}
	for name, id := range map[string]mlops.ID{
		"environment": dev, "experiment": experiment, "dataset": dataset, "pipeline": pipeline, "run": goodRun, "failed run": badRun,
		"model": model, "version": version2, "promoted version": prodVersion, "endpoint": endpoint, "monitor": monitor,
	} {
		pages[name] = Root + string(id)
	}
	pages["lineage"] = Root + "lineage/" + string(version2)
	return pages
}

var now = time.Now().UTC().Truncate(time.Minute)

func ago(d time.Duration) time.Time { return now.Add(-d) }

// nothing is an engine that was just made.
func nothing() Config {
	return Config{
		Environments: shelf[mlops.EnvironmentSpec, mlops.EnvironmentStatus]{}, Experiments: shelf[mlops.ExperimentSpec, mlops.ExperimentStatus]{},
		Datasets: shelf[mlops.DatasetSpec, mlops.DatasetStatus]{}, Pipelines: shelf[mlops.PipelineSpec, mlops.PipelineStatus]{},
		PipelineRuns: shelf[mlops.PipelineRunSpec, mlops.PipelineRunStatus]{}, Models: shelf[mlops.ModelSpec, mlops.ModelStatus]{},
		ModelVersions:  shelf[mlops.ModelVersionSpec, mlops.ModelVersionStatus]{},
		ModelEndpoints: shelf[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{}, Monitors: shelf[mlops.MonitorSpec, mlops.MonitorStatus]{},
		Minutes: func(mlops.ID, time.Time) []gateway.Minute { return nil },
		Reports: func(context.Context, mlops.ID) ([]mlops.MonitorReport, error) { return nil, nil },
		StepLog: func(context.Context, mlops.ID, string) (string, error) { return "", nil },
		Log:     slog.New(slog.DiscardHandler),
	}
}

// full is an engine with a story: a model was retrained, its successor takes
// traffic over in steps, and one feature drifts.
func full(t *testing.T) Config {
	t.Helper()
	c := nothing()
	c.Environments = shelf[mlops.EnvironmentSpec, mlops.EnvironmentStatus]{environmentOf(dev, "dev"), environmentOf(prod, "prod")}
	c.Experiments = shelf[mlops.ExperimentSpec, mlops.ExperimentStatus]{experimentOf()}
	c.Datasets = shelf[mlops.DatasetSpec, mlops.DatasetStatus]{datasetOf()}
	c.Pipelines = shelf[mlops.PipelineSpec, mlops.PipelineStatus]{pipelineOf()}
	c.PipelineRuns = shelf[mlops.PipelineRunSpec, mlops.PipelineRunStatus]{goodRunOf(), badRunOf()}
	c.Models = shelf[mlops.ModelSpec, mlops.ModelStatus]{modelOf(dev, "2"), modelOf(prod, "1")}
	c.ModelVersions = versionsOnShelf()
	c.ModelEndpoints = shelf[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{endpointOf()}
	minutes := traffic(t)
	c.Minutes = func(_ mlops.ID, since time.Time) (out []gateway.Minute) {
		for _, m := range minutes {
			if !m.Start.Before(since) {
				out = append(out, m)
			}
		}
		return out
	}
	reports := reportsOf()
	c.Reports = func(context.Context, mlops.ID) ([]mlops.MonitorReport, error) { return reports, nil }
	c.Monitors = shelf[mlops.MonitorSpec, mlops.MonitorStatus]{monitorOf(reports[len(reports)-1])}
	c.StepLog = func(_ context.Context, _ mlops.ID, step string) (string, error) {
		return "reading customers.csv\n7043 rows, 19 features\n" + strings.Repeat(step+": epoch done, loss 0.4312, a rather long line that says nothing that anybody would want to read\n", 8), nil
	}
	return c
}

func environmentOf(id mlops.ID, stage string) mlops.Observed[mlops.EnvironmentSpec, mlops.EnvironmentStatus] {
	return mlops.Observed[mlops.EnvironmentSpec, mlops.EnvironmentStatus]{
		Ref: id, Phase: mlops.PhaseReady,
		Spec:   mlops.EnvironmentSpec{ID: id, Name: id.Name(), Stage: stage, Labels: map[string]string{"team": "growth", "cost-center": "4711"}},
		Status: mlops.EnvironmentStatus{CreatedAt: ago(100 * time.Hour)},
	}
}

func modelOf(environment mlops.ID, latest string) mlops.Observed[mlops.ModelSpec, mlops.ModelStatus] {
	return mlops.Observed[mlops.ModelSpec, mlops.ModelStatus]{
		Ref: environment + "/models/churn", Phase: mlops.PhaseReady, Status: mlops.ModelStatus{CreatedAt: ago(90 * time.Hour), Latest: latest},
		Spec: mlops.ModelSpec{Environment: environment, Name: "churn", Description: "Who is about to leave."},
	}
}

func experimentOf() mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus] {
	runs := []mlops.ExperimentRun{
		{Run: badRun, State: mlops.RunFailed, Parameters: map[string]string{"depth": "12"}, StartedAt: ago(2 * time.Hour)},
		{Run: goodRun, State: mlops.RunSucceeded, Parameters: map[string]string{"depth": "6"}, Metrics: map[string]float64{"auc": 0.8471, "loss": 0.41}, StartedAt: ago(5 * time.Hour)},
	}
	return mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus]{
		Ref: experiment, Phase: mlops.PhaseReady, Spec: mlops.ExperimentSpec{Environment: dev, Name: "tuning"},
		Status: mlops.ExperimentStatus{Runs: runs, Total: 2, CreatedAt: ago(90 * time.Hour)},
	}
}

func datasetOf() mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus] {
	s := mlops.DatasetStatus{
		Version: "2", Digest: "sha256:8f14e45fceea167a5a36dedd4bea2543f1e2d3c4b5a697887766554433221100", Rows: 7043,
		Violations: []string{"column total_charges: 0.16 % of the values are missing, at most 0 % may be"}, CreatedAt: ago(6 * time.Hour),
		Statistics: map[string]mlops.ColumnStatistics{
			"tenure":        {Type: "integer", Count: 7043, Distinct: 73, Min: new(0.0), P50: new(29.0), Max: new(72.0), Mean: new(32.371), Std: new(24.559)},
			"total_charges": {Type: "number", Count: 7032, Missing: 11, Distinct: 6530, Min: new(18.8), P50: new(1397.475), Max: new(8684.8), Mean: new(2283.3), Std: new(2266.77)},
			"contract":      {Type: "string", Count: 7043, Distinct: 3},
		},
	}
	s.History = []mlops.DatasetVersion{
		{Version: "2", Digest: s.Digest, Rows: 7043, CreatedAt: ago(6 * time.Hour)},
		{Version: "1", Digest: "sha256:c81e728d9d4c2f636f067f89cc14862c00112233445566778899aabbccddeeff", Rows: 6120, CreatedAt: ago(90 * time.Hour)},
	}
	return mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus]{
		Ref: dataset, Phase: mlops.PhaseReady, Status: s, Spec: mlops.DatasetSpec{Environment: dev, Name: "customers", Description: "Customers, with who left."},
	}
}

func pipelineOf() mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus] {
	spec := mlops.PipelineSpec{
		Environment: dev, Name: "train", Experiment: experiment, Schedule: &mlops.Schedule{Cron: "0 3 * * 1", Timezone: "Europe/Zurich"},
		Steps: map[string]mlops.Step{
			"prepare":  {Script: "pass", Outputs: []string{"rows", "holdout"}},
			"train":    {Script: "pass", Inputs: map[string]string{"rows": "{{steps.prepare.outputs.rows}}"}, Outputs: []string{"model"}},
			"baseline": {Script: "pass", Inputs: map[string]string{"rows": "{{steps.prepare.outputs.rows}}"}, Outputs: []string{"model"}},
			"evaluate": {Script: "pass", Inputs: map[string]string{
				"model": "{{steps.train.outputs.model}}", "other": "{{steps.baseline.outputs.model}}", "rows": "{{steps.prepare.outputs.holdout}}",
			}, Outputs: []string{"metrics"}},
			"publish":  {Script: "pass", When: []string{"{{steps.evaluate.metrics.auc}} >= 0.9"}},
			"announce": {Script: "pass", After: []string{"publish"}},
		},
	}
	return mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus]{
		Ref: pipeline, Phase: mlops.PhaseReady, Spec: spec, Status: mlops.PipelineStatus{Version: spec.Version()},
	}
}

func stepOf(state mlops.RunState, start, took time.Duration) mlops.StepRun {
	return mlops.StepRun{State: state, Attempt: 1, StartedAt: ago(start), FinishedAt: ago(start - took)}
}

func goodRunOf() mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus] {
	start := 5 * time.Hour
	s := mlops.PipelineRunStatus{
		Run: goodRun.Name(), State: mlops.RunSucceeded, StartedAt: ago(start), FinishedAt: ago(start - 4*time.Minute),
		Outputs: map[string]string{"train.model": "file:///home/u/.mlops/environments/churn-dev/runs/train/r-5f1c09ab12/train/model"},
		Metrics: map[string]float64{"auc": 0.8471, "loss": 0.41},
		Steps: map[string]mlops.StepRun{
			"prepare":  stepOf(mlops.RunSucceeded, start, 21*time.Second),
			"train":    stepOf(mlops.RunSucceeded, start-21*time.Second, 3*time.Minute),
			"baseline": {State: mlops.RunSucceeded, Cached: true},
			"evaluate": stepOf(mlops.RunSucceeded, start-201*time.Second, 39*time.Second),
			"publish":  {State: mlops.RunSkipped, Reason: "{{steps.evaluate.metrics.auc}} >= 0.9 does not hold: 0.8471 >= 0.9"},
			"announce": {State: mlops.RunSkipped, Reason: `step "publish", which it needs, was skipped`},
		},
		Lineage: &mlops.Lineage{PipelineVersion: pipelineOf().Status.Version, Datasets: map[mlops.ID]mlops.DatasetVersion{dataset: {Version: "2"}}},
	}
	return mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus]{Ref: goodRun, Phase: mlops.PhaseReady, Spec: mlops.PipelineRunSpec{Pipeline: pipeline}, Status: s}
}

func badRunOf() mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus] {
	start := 2 * time.Hour
	failed := stepOf(mlops.RunFailed, start-time.Minute, 90*time.Second)
	failed.Attempt, failed.Reason = 3, "exit status 137: killed, perhaps for want of memory"
	s := mlops.PipelineRunStatus{
		Run: badRun.Name(), State: mlops.RunFailed, StartedAt: ago(start), FinishedAt: ago(start - 3*time.Minute),
		Steps: map[string]mlops.StepRun{
			"prepare": stepOf(mlops.RunSucceeded, start, time.Minute), "train": failed,
			"baseline": stepOf(mlops.RunSucceeded, start-time.Minute, time.Second), "evaluate": {State: mlops.RunCancelled},
			"publish": {State: mlops.RunCancelled}, "announce": {State: mlops.RunCancelled},
		},
	}
	return mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus]{
		Ref: badRun, Phase: mlops.PhaseFailed, Reason: `step "train" failed: exit status 137`, Spec: mlops.PipelineRunSpec{Pipeline: pipeline}, Status: s,
	}
}

func versionsOnShelf() shelf[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	of := func(id mlops.ID, digest string, spec mlops.ModelVersionSpec) mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
		spec.Model, spec.Format = id.Parent(), "sklearn"
		return mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus]{
			Ref: id, Phase: mlops.PhaseReady, Spec: spec,
			Status: mlops.ModelVersionStatus{Version: id.Name(), Digest: digest, Metrics: map[string]float64{"auc": 0.8471}, CreatedAt: ago(4 * time.Hour)},
		}
	}
	return shelf[mlops.ModelVersionSpec, mlops.ModelVersionStatus]{
		of(version1, "sha256:1111111111112222", mlops.ModelVersionSpec{Approval: "approved", Aliases: []string{"champion"}}),
		of(version2, "sha256:3333333333334444", mlops.ModelVersionSpec{Approval: "pending", Run: goodRun, Aliases: []string{"challenger"}}),
		of(prodVersion, "sha256:3333333333334444", mlops.ModelVersionSpec{Approval: "approved", Promotion: &mlops.Promotion{
			From: version2, By: "ci", ApprovedBy: "ada@example.com", At: ago(time.Hour),
			Gates: []mlops.GateResult{{Gate: "auc", Passed: true, Detail: "0.8471 ≥ 0.8"}, {Gate: "served_for", Detail: "served for 1h, 24h are asked for"}},
		}}),
	}
}

func endpointOf() mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus] {
	return mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{
		Ref: endpoint, Phase: mlops.PhasePending, Reason: "step 2 of 3 bakes: 50 % of the traffic on the new version", Spec: mlops.ModelEndpointSpec{Name: "churn"},
		Status: mlops.ModelEndpointStatus{
			URL: "http://127.0.0.1:40123/churn-dev/churn", Replicas: map[string]int64{"main": 2},
			Serving: map[string]mlops.Serving{"main": {Version: version1, Digest: "sha256:1111111111112222", Traffic: 100}},
			Rollout: &mlops.RolloutStatus{
				Strategy: "canary", State: "running", Candidate: map[string]mlops.Serving{"main": {Version: version2, Digest: "sha256:3333333333334444", Traffic: 100}}, Step: 2, Steps: 3, Percent: 50, StartedAt: ago(40 * time.Minute),
				Figures: mlops.Figures{Requests: 1210, Errors: 3, P50: mlops.Duration(9 * time.Millisecond), P95: mlops.Duration(31 * time.Millisecond), P99: mlops.Duration(58 * time.Millisecond)},
			},
			Previous:      map[string]mlops.Serving{"main": {Version: version1, Digest: "sha256:1111111111112222", Traffic: 100}},
			PreviousUntil: now.Add(time.Hour),
		},
	}
}

// traffic is what a gateway counted: a canary that took over half of the
// requests, and a few minutes without any.
func traffic(t *testing.T) (out []gateway.Minute) {
	t.Helper()
	for at := 170; at >= 0; at-- {
		requests := 60 + 30*math.Sin(float64(at)/20)
		share := 0.0
		switch {
		case at > 90 && at < 100:
			continue
		case at <= 20:
			share = 0.5
		case at <= 40:
			share = 0.1
		}
		out = append(out, minuteOf(t, at, version1, int64(requests*(1-share)), 9*time.Millisecond))
		if share > 0 {
			out = append(out, minuteOf(t, at, version2, int64(requests*share), 14*time.Millisecond))
		}
	}
	return out
}

// minuteOf is a minute of requests around a latency, with sketches as a gateway
// makes them.
func minuteOf(t *testing.T, at int, version mlops.ID, requests int64, latency time.Duration) gateway.Minute {
	t.Helper()
	m, err := mapping.NewCubicallyInterpolatedMapping(0.005)
	if err != nil {
		t.Fatal(err)
	}
	sketch := ddsketch.NewDDSketch(m, store.NewCollapsingLowestDenseStore(2048), store.NewCollapsingLowestDenseStore(2048))
	for i := range requests {
		took := latency.Seconds() * (1 + 3*math.Pow(float64(i)/float64(requests), 8))
		if err := sketch.Add(took); err != nil {
			t.Fatal(err)
		}
	}
	out := gateway.Minute{Start: ago(time.Duration(at) * time.Minute), Variant: "main", Version: version}
	sketch.Encode(&out.Sketch, false)
	out.Requests, out.Errors = requests, requests/50
	out.Figures = gateway.Summarize([]gateway.Minute{out})
	return out
}

// reportsOf is a week of reports, in which tenure begins to drift.
func reportsOf() (out []mlops.MonitorReport) {
	for day := 27; day >= 0; day-- {
		drifted := 0.04 + 0.01*math.Sin(float64(day))
		if day < 8 {
			drifted += 0.05 * float64(8-day)
		}
		figure := func(name string, value float64) mlops.FeatureReport {
			return mlops.FeatureReport{Name: name, Statistic: "psi", Value: &value, Threshold: new(0.2), PValue: new(0.013), Violated: value > 0.2}
		}
		r := mlops.MonitorReport{
			Monitor: monitor, At: ago(time.Duration(6*day) * time.Hour), Rows: 4200, State: mlops.MonitorOK,
			From: ago(time.Duration(6*day+24) * time.Hour), Until: ago(time.Duration(6*day) * time.Hour), URI: "file:///home/u/.mlops/environments/churn-dev/monitors/drift/reports/x.json",
			Checks: map[string]mlops.CheckReport{
				"data_drift": {State: mlops.MonitorOK, Rows: 4200, Features: []mlops.FeatureReport{
					figure("tenure", drifted), figure("total_charges", 0.03), {Name: "region", Statistic: "psi", Reason: "constant in the baseline"},
				}},
				"health": {State: mlops.MonitorOK, Rows: 4200, Features: []mlops.FeatureReport{{Name: "p95", Statistic: "seconds", Value: new(0.031), Threshold: new(0.1)}}},
			},
		}
		if drifted > 0.2 {
			check := r.Checks["data_drift"]
			check.State, check.Reason = mlops.MonitorViolated, "1 of 3 features drifted: tenure"
			r.Checks["data_drift"], r.State, r.Reason = check, mlops.MonitorViolated, "data_drift: "+check.Reason
		}
		out = append(out, r)
	}
	return out
}

func monitorOf(last mlops.MonitorReport) mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus] {
	return mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus]{
		Ref: monitor, Phase: mlops.PhaseReady, Reason: last.Reason,
		Spec: mlops.MonitorSpec{Endpoint: endpoint, Name: "drift", Schedule: mlops.Schedule{Cron: "0 */6 * * *"}},
		Status: mlops.MonitorStatus{
			State: last.State, Since: ago(24 * time.Hour), LastReport: &last, NextCheck: now.Add(6 * time.Hour),
			Alerts: mlops.AlertsStatus{LastSent: ago(24 * time.Hour), Pending: 1, LastFail: "the webhook at hooks.example.com answered 503 Service Unavailable"},
			Retraining: mlops.Retraining{
				State: mlops.RetrainingCooling, LastRun: badRun, LastAt: ago(2 * time.Hour), ThisMonth: 1, NextAllowed: now.Add(22 * time.Hour),
				Reason: "the last start was two hours ago, and cooldown is not over",
			},
			Baseline: mlops.BaselineStatus{Rows: 7043, Features: []string{"tenure", "total_charges", "region"}},
		},
	}
}
