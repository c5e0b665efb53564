package sagemaker

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestMonitoringCron(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, cron, zone, want, refused string
	}{
		{name: "hourly", cron: "0 * * * *", want: "cron(0 * ? * * *)"},
		{name: "hourly by steps", cron: "0 */1 * * *", want: "cron(0 * ? * * *)"},
		{name: "by name", cron: "@daily", want: "cron(0 0 ? * * *)"},
		{name: "daily", cron: "0 3 * * *", zone: "UTC", want: "cron(0 3 ? * * *)"},
		{name: "every six hours", cron: "0 */6 * * *", want: "cron(0 0/6 ? * * *)"},
		{name: "every two from five on", cron: "0 5/2 * * *", want: "cron(0 5/2 ? * * *)"},
		{name: "a range to the end of the day", cron: "0 5-23/2 * * *", want: "cron(0 5/2 ? * * *)"},
		{name: "quarters of an hour", cron: "*/15 * * * *", refused: "neither hourly"},
		{name: "once a month", cron: "0 3 1 * *", refused: "neither hourly"},
		{name: "working days", cron: "0 3 * * 1-5", refused: "neither hourly"},
		{name: "two hours", cron: "0 3,9 * * *", refused: "neither all, nor one"},
		{name: "a range", cron: "0 5-9/2 * * *", refused: "neither all, nor one"},
		{name: "no hour of a day", cron: "0 24/2 * * *", refused: "not hours of a day"},
		{name: "another zone", cron: "0 3 * * *", zone: "Australia/Sydney", refused: "in UTC"},
		{name: "six fields", cron: "0 3 ? * * *", refused: "six"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := monitoringCron(c.cron, c.zone)
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(c.refused, "six")) {
					t.Fatalf("got %q, %v; want an error that says %q", got, err, c.refused)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

// suggested is what the analyzer suggests for four columns, in the form that its
// documentation publishes.
const suggested = `{
  "version": 0.0,
  "features": [
    {"name": "age", "inferred_type": "Integral", "completeness": 1.0, "num_constraints": {"is_non_negative": true}},
    {"name": "colour", "inferred_type": "String", "completeness": 0.9, "string_constraints": {"domains": ["red", "blue"]}},
    {"name": "prediction", "inferred_type": "Integral", "completeness": 1.0, "num_constraints": {"is_non_negative": true}},
    {"name": "label", "inferred_type": "Integral", "completeness": 1.0, "num_constraints": {"is_non_negative": true}}
  ],
  "monitoring_config": {"evaluate_constraints": "Enabled", "emit_metrics": "Enabled", "datatype_check_threshold": 1.0, "domain_content_threshold": 1.0,
    "distribution_constraints": {"perform_comparison": "Enabled", "comparison_threshold": 0.1, "comparison_method": "Robust"}}
}`

func TestMonitorConstraints(t *testing.T) {
	t.Parallel()
	five, ten, quarter := 5.0, 10.0, 0.25
	base := &mlops.Baseline{Label: "label"}
	for _, c := range []struct {
		name  string
		spec  mlops.MonitorSpec
		check func(t *testing.T, got constraints)
	}{
		{
			name: "drift alone",
			spec: mlops.MonitorSpec{Baseline: base, DataDrift: &mlops.DriftCheck{}},
			check: func(t *testing.T, got constraints) {
				t.Helper()
				want := monitoringConfig{"Disabled", "Enabled", 1, 1, distributionSetting{"Enabled", 0.1, "Robust"}}
				if diff := cmp.Diff(want, got.Config); diff != "" {
					t.Error(diff)
				}
				if len(got.Features) != 2 {
					t.Errorf("%d features, want all but the label and the prediction", len(got.Features))
				}
			},
		},
		{
			name: "a statistic with its threshold, of one feature",
			spec: mlops.MonitorSpec{Baseline: base, DataDrift: &mlops.DriftCheck{Statistic: "ks", Threshold: &quarter, Features: []string{"age"}}},
			check: func(t *testing.T, got constraints) {
				t.Helper()
				if want := (distributionSetting{"Enabled", 0.25, "Simple"}); got.Config.Distribution != want {
					t.Errorf("got %+v, want %+v", got.Config.Distribution, want)
				}
				if got.Features[0].Overrides != nil || got.Features[1].Overrides == nil {
					t.Errorf("colour must be left out of the comparison, and age be in it: %+v", got.Features)
				}
			},
		},
		{
			name: "quality",
			spec: mlops.MonitorSpec{Baseline: base, DataQuality: &mlops.DataQualityCheck{MaxMissingPercent: &ten, MaxTypePercent: &five}},
			check: func(t *testing.T, got constraints) {
				t.Helper()
				want := monitoringConfig{"Enabled", "Enabled", 0.95, 1, distributionSetting{"Disabled", 0.1, "Robust"}}
				if diff := cmp.Diff(want, got.Config); diff != "" {
					t.Error(diff)
				}
				if c := got.Features[1].Completeness; c < 0.8099 || c > 0.8101 {
					t.Errorf("colour may be missing in 10 %% more of the rows: completeness %g, want 0.81", c)
				}
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, err := featureCheck(c.spec).constraints([]byte(suggested))
			if err != nil {
				t.Fatal(err)
			}
			var got constraints
			if err := json.Unmarshal(b, &got); err != nil {
				t.Fatal(err)
			}
			c.check(t, got)
		})
	}
}

func TestMonitorConstraintsOfNothing(t *testing.T) {
	t.Parallel()
	spec := mlops.MonitorSpec{Baseline: &mlops.Baseline{Features: []string{"height"}}, DataDrift: &mlops.DriftCheck{}}
	_, err := featureCheck(spec).constraints([]byte(suggested))
	if mlops.CodeOf(err) != mlops.Invalid {
		t.Errorf("a baseline without the feature: %v, want it refused", err)
	}
}

// TestPredictionConstraints proves that predictions alone are compared where only
// their drift is watched.
func TestPredictionConstraints(t *testing.T) {
	t.Parallel()
	spec := mlops.MonitorSpec{Baseline: &mlops.Baseline{Label: "label"}, PredictionDrift: &mlops.DriftCheck{}}
	b, err := predictionCheck(spec).constraints([]byte(suggested))
	if err != nil {
		t.Fatal(err)
	}
	var got constraints
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Features) != 1 || got.Features[0].Name != "prediction" || got.Config.Distribution.Compare != enabled {
		t.Errorf("got %+v, want the prediction's distribution", got)
	}
	spec.Baseline.Prediction = "score"
	if _, err := predictionCheck(spec).constraints([]byte(suggested)); mlops.CodeOf(err) != mlops.Invalid {
		t.Errorf("a baseline without predictions: %v, want it refused", err)
	}
}

// played runs a script of a job as its container would, in Python, on some captured
// requests and answers.
func played(t *testing.T, script []byte, captured ...[2]string) string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal("the script is Python's to run: ", err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "preprocess.py"), script, 0o600); err != nil {
		t.Fatal(err)
	}
	const main = `
import json, sys
from types import SimpleNamespace as N
from preprocess import preprocess_handler
print(json.dumps([preprocess_handler(N(endpoint_input=N(data=i), endpoint_output=N(data=o))) for i, o in json.loads(sys.argv[1])]))`
	cmd := exec.CommandContext(t.Context(), python, "-c", main, jsonText(captured))
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestPreprocessScript(t *testing.T) {
	t.Parallel()
	spec := mlops.MonitorSpec{Baseline: &mlops.Baseline{Label: "label"}}
	odd := []byte(strings.ReplaceAll(suggested, `"colour"`, `"co\"lo\\ur"`))
	captured := [][2]string{
		{`{"instances": [[31, "red"], {"age": 42}]}`, `{"predictions": [1, 0]}`},
		{"no json", ""},
		{`{"instances": [[1, "x"]]}`, `{"error": "none"}`},
	}
	for _, c := range []struct {
		name  string
		check dataCheck
		want  string
	}{
		{"features", featureCheck(spec), `[[{"age": 31, "co\"lo\\ur": "red"}, {"age": 42, "co\"lo\\ur": null}], [], [{"age": 1, "co\"lo\\ur": "x"}]]`},
		{"predictions", predictionCheck(spec), `[[{"prediction": 1}, {"prediction": 0}], [], []]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			script, err := c.check.script(odd, spec.Baseline)
			if err != nil {
				t.Fatal(err)
			}
			if got := played(t, script, captured...); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestMonitorAlarms(t *testing.T) {
	t.Parallel()
	one := 1.0
	spec := mlops.MonitorSpec{
		Endpoint: "sagemaker/us-east-1/churn-dev/endpoints/churn", Name: "watch", Window: mlops.Duration(15 * time.Minute),
		Health: &mlops.HealthCheck{MaxErrorPercent: &one, MaxP95: mlops.Duration(250 * time.Millisecond), MinRequests: 10},
	}
	got := monitorAlarms(monitorPlan{monitorScene: monitorScene{topic: "topic"}, spec: spec}, []string{"a", "b"})
	if len(got) != 6 {
		t.Fatalf("%d alarms, want three for each variant", len(got))
	}
	latency := got["churn-dev--watch-a-p95"]
	if latency == nil || *latency.Threshold != 250_000 || *latency.Period != 900 || *latency.ExtendedStatistic != "p95" {
		t.Errorf("latency is in microseconds over the window: %+v", latency)
	}
	share := got["churn-dev--watch-b-errors"]
	if share == nil || *share.Threshold != 1 || len(share.Metrics) != 3 {
		t.Errorf("failed requests are a share: %+v", share)
	}
	few := got["churn-dev--watch-a-requests"]
	if few == nil || *few.TreatMissingData != "breaching" {
		t.Errorf("no metric is no request: %+v", few)
	}
}

// quality is a monitor of a model's quality, changed.
func quality(change func(*mlops.ModelQualityCheck), more ...func(*mlops.MonitorSpec)) mlops.MonitorSpec {
	q := &mlops.ModelQualityCheck{Task: "classification", GroundTruth: "s3://bucket/truth"}
	change(q)
	s := mlops.MonitorSpec{ModelQuality: q, Schedule: mlops.Schedule{Cron: "0 * * * *"}}
	for _, c := range more {
		c(&s)
	}
	return s
}

// bias is one that compares groups too.
func bias(change func(*mlops.MonitorSpec)) mlops.MonitorSpec {
	s := quality(func(*mlops.ModelQualityCheck) {})
	s.Baseline = &mlops.Baseline{Features: []string{"age", "sex"}}
	s.Bias = &mlops.BiasCheck{Group: "sex", Statistic: "disparate_impact", Threshold: 0.8}
	change(&s)
	return s
}

// explained is one that explains its model.
func explained(change func(*mlops.MonitorSpec)) mlops.MonitorSpec {
	s := mlops.MonitorSpec{
		Schedule: mlops.Schedule{Cron: "0 * * * *"}, Baseline: &mlops.Baseline{Features: []string{"age", "sex"}},
		Explainability: &mlops.ExplainabilityCheck{MinNDCG: new(mlops.DefaultNDCG)},
	}
	change(&s)
	return s
}

// TestMonitorPreflightTakes proves that what is complete is taken.
func TestMonitorPreflightTakes(t *testing.T) {
	t.Parallel()
	const day, week = mlops.Duration(24 * time.Hour), mlops.Duration(7 * 24 * time.Hour)
	for _, spec := range []mlops.MonitorSpec{
		bias(func(s *mlops.MonitorSpec) {
			s.PredictionDrift, s.ModelQuality.Positive = &mlops.DriftCheck{Statistic: "ks"}, "1"
		}),
		explained(func(s *mlops.MonitorSpec) { s.Window = day }),
		bias(func(s *mlops.MonitorSpec) { s.Window = week }), // of jobs that wait for the truth
	} {
		check := mlops.NewChecker()
		checkMonitor(check, spec)
		if err := check.Err(); err != nil {
			t.Error(err)
		}
	}
}

func TestMonitorPreflight(t *testing.T) {
	t.Parallel()
	four, psi := int64(4), mlops.DriftCheck{Statistic: "psi"}
	for _, c := range []struct {
		name string
		spec mlops.MonitorSpec
		at   string
	}{
		{"a schedule by minutes", mlops.MonitorSpec{DataDrift: &mlops.DriftCheck{}, Schedule: mlops.Schedule{Cron: "*/15 * * * *"}}, "schedule.cron"},
		{"another statistic", mlops.MonitorSpec{DataDrift: &psi, Schedule: mlops.Schedule{Cron: "0 * * * *"}}, "data_drift.statistic"},
		{"another statistic of predictions", mlops.MonitorSpec{PredictionDrift: &psi, Schedule: mlops.Schedule{Cron: "0 * * * *"}}, "prediction_drift.statistic"},
		{"quality by minutes", mlops.MonitorSpec{ModelQuality: &mlops.ModelQualityCheck{GroundTruth: "s3://bucket/truth"}, Schedule: mlops.Schedule{Cron: "*/15 * * * *"}}, "schedule.cron"},
		{"a number of rows", quality(func(*mlops.ModelQualityCheck) {}, func(s *mlops.MonitorSpec) { s.MinRows = 50 }), "min_rows"},
		{"one of two checks of a job", mlops.MonitorSpec{
			DataDrift: &mlops.DriftCheck{}, DataQuality: &mlops.DataQualityCheck{}, Schedule: mlops.Schedule{Cron: "0 * * * *"}, OnViolation: &mlops.OnViolation{Checks: []string{"data_drift"}},
		}, "on_violation.checks"},
		{"no truth", quality(func(q *mlops.ModelQualityCheck) { q.GroundTruth = "" }), "model_quality.ground_truth_uri"},
		{"truth on this machine", quality(func(q *mlops.ModelQualityCheck) { q.GroundTruth = "/data/truth" }), "model_quality.ground_truth_uri"},
		{"truth far below", quality(func(q *mlops.ModelQualityCheck) { q.GroundTruth = "s3://bucket/" + strings.Repeat("t", 500) }), "model_quality.ground_truth_uri"},
		{"a metric of others", quality(func(q *mlops.ModelQualityCheck) { q.Max = map[string]float64{"log_loss": 1} }), `model_quality.max["log_loss"]`},
		{"another metric of others", quality(func(q *mlops.ModelQualityCheck) { q.Max = map[string]float64{"mape": 1} }), `model_quality.max["mape"]`},
		{"a label in words", quality(func(q *mlops.ModelQualityCheck) { q.Positive = "yes" }), "model_quality.positive"},
		{"bias without truth", bias(func(s *mlops.MonitorSpec) { s.ModelQuality = nil }), "bias"},
		{"bias without a baseline", bias(func(s *mlops.MonitorSpec) { s.Baseline = nil }), "bias"},
		{"bias of unnamed features", bias(func(s *mlops.MonitorSpec) { s.Baseline.Features = nil }), "bias.group"},
		{"bias of no feature", bias(func(s *mlops.MonitorSpec) { s.Bias.Group = "sexe" }), "bias.group"},
		{"bias in other letters", bias(func(s *mlops.MonitorSpec) { s.Bias.Group = "größe" }), "bias.group"},
		{"explained by unnamed features", explained(func(s *mlops.MonitorSpec) { s.Baseline.Features = nil }), "explainability"},
		{"another gain", explained(func(s *mlops.MonitorSpec) { s.Explainability.MinNDCG = new(0.8) }), "explainability.min_ndcg"},
		{"explained by minutes", explained(func(s *mlops.MonitorSpec) { s.Schedule.Cron = "*/15 * * * *" }), "schedule.cron"},
		{"data of two days", explained(func(s *mlops.MonitorSpec) { s.Window = mlops.Duration(48 * time.Hour) }), "window"},
		{"a window of a month", mlops.MonitorSpec{Window: mlops.Duration(30 * 24 * time.Hour)}, "window"},
		{"a cooldown", mlops.MonitorSpec{OnViolation: &mlops.OnViolation{Cooldown: mlops.Duration(time.Hour)}}, "on_violation.cooldown"},
		{"a cap", mlops.MonitorSpec{OnViolation: &mlops.OnViolation{MaxPerMonth: &four}}, "on_violation.max_per_month"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			check := mlops.NewChecker()
			checkMonitor(check, c.spec)
			if err := check.Err(); err == nil || !strings.Contains(err.Error(), c.at) {
				t.Errorf("got %v, want an error at %s", err, c.at)
			}
		})
	}
}
