package mlops

import (
	"math"
	"testing"
	"time"
)

func monitor(change ...func(*MonitorSpec)) MonitorSpec {
	s := MonitorSpec{
		Endpoint: "local/e/endpoints/x", Name: "drift", Schedule: Schedule{Cron: "*/15 * * * *"},
		Baseline: &Baseline{URI: "train.csv", Features: []string{"age", "colour"}}, DataDrift: &DriftCheck{},
	}
	for _, f := range change {
		f(&s)
	}
	return s
}

func TestMonitorValidate(t *testing.T) {
	t.Parallel()
	drift := func(d DriftCheck) Validator { return monitor(func(s *MonitorSpec) { s.DataDrift = &d }) }
	base := func(b Baseline) Validator { return monitor(func(s *MonitorSpec) { s.Baseline = &b }) }
	checkSpecs(t, []specCase{
		{"monitor", monitor(), "", ""},
		{"no checks", monitor(func(s *MonitorSpec) { s.DataDrift = nil }), "", "at least one of"},
		{"not an endpoint", monitor(func(s *MonitorSpec) { s.Endpoint = "local/e/models/m" }), "endpoint", "ID of a model;"},
		{"negative window", monitor(func(s *MonitorSpec) { s.Window = -1 }), "window", "negative"},
		{"negative rows", monitor(func(s *MonitorSpec) { s.MinRows = -1 }), "min_rows", "1 or more"},
		{"no baseline", monitor(func(s *MonitorSpec) { s.Baseline = nil }), "data_drift", "compares with a baseline"},
		{"two baselines", base(Baseline{URI: "a.csv", Dataset: "local/e/datasets/d"}), "baseline", "2 are given"},
		{"empty baseline", base(Baseline{}), "baseline", "0 are given"},
		{"output of no name", base(Baseline{Run: "local/e/pipelines/p/runs/1"}), "baseline.output", "which output"},
		{"not a dataset", base(Baseline{Dataset: "local/e/models/m"}), "baseline.dataset", "ID of a dataset is needed"},
		{"format", base(Baseline{URI: "a", Format: "excel"}), "baseline.format", "no format of data"},
		{"feature twice", base(Baseline{URI: "a.csv", Features: []string{"a", "a"}}), "baseline.features[1]", "listed twice"},
		{"statistic", drift(DriftCheck{Statistic: "ps"}), "data_drift.statistic", `Did you mean "psi"?`},
		{"threshold", drift(DriftCheck{Statistic: "psi", Threshold: new(0.0)}), "data_drift.threshold", "above 0"},
		{"no number", drift(DriftCheck{Statistic: "psi", Threshold: new(math.NaN())}), "data_drift.threshold", "above 0"},
		{"endless threshold", drift(DriftCheck{Statistic: "psi", Threshold: new(math.Inf(1))}), "data_drift.threshold", "above 0"},
		{"threshold of nothing", drift(DriftCheck{Threshold: new(0.2)}), "data_drift.threshold", "belongs to a statistic"},
		{"unknown feature", drift(DriftCheck{Features: []string{"color"}}), "data_drift.features[0]", `Did you mean "colour"?`},
		{"share", drift(DriftCheck{MaxDrifted: new(101.0)}), "data_drift.max_drifted_percent", "0 to 100"},
	})
}

func TestMonitorChecksValidate(t *testing.T) {
	t.Parallel()
	of := func(f func(*MonitorSpec)) Validator { return monitor(f) }
	quality := func(q ModelQualityCheck) Validator { return of(func(s *MonitorSpec) { s.ModelQuality = &q }) }
	bias := func(b BiasCheck) Validator { return of(func(s *MonitorSpec) { s.Bias = &b }) }
	fair := BiasCheck{Group: "colour", Statistic: "disparate_impact", Threshold: 0.8}
	late := fair
	late.Statistic = "equal_opportunity_difference"
	checkSpecs(t, []specCase{
		{"quality", quality(ModelQualityCheck{Task: "classification", Min: map[string]float64{"f1": 0.8}, Max: map[string]float64{"log_loss": 1}}), "", ""},
		{"bias", bias(fair), "", ""},
		{"data quality", of(func(s *MonitorSpec) { s.DataQuality = &DataQualityCheck{MaxRangePercent: new(-1.0)} }), "data_quality.max_range_percent", "0 to 100"},
		{"task", quality(ModelQualityCheck{Task: "ranking"}), "model_quality.task", "no task"},
		{"no limits", quality(ModelQualityCheck{Task: "regression"}), "model_quality", "max = { rmse = 3 }"},
		{"metric of another task", quality(ModelQualityCheck{Task: "regression", Min: map[string]float64{"accuracy": 1}}), `model_quality.min["accuracy"]`, "for regression there is r2"},
		{"limit the wrong way round", quality(ModelQualityCheck{Task: "regression", Min: map[string]float64{"rmse": 1}}), `model_quality.min["rmse"]`, "cannot be limited here"},
		{"no group", bias(BiasCheck{Statistic: fair.Statistic, Threshold: 0.8}), "bias.group", "feature that holds"},
		{"bias statistic", bias(BiasCheck{Group: "g", Statistic: "equality", Threshold: 0.8}), "bias.statistic", "no statistic of bias"},
		{"bias threshold", bias(BiasCheck{Group: "g", Statistic: fair.Statistic, Threshold: 1.1}), "bias.threshold", "at most 1"},
		{"truth needed", bias(late), "bias.statistic", "give the monitor model_quality too"},
		{"explainability", of(func(s *MonitorSpec) { s.Explainability = &ExplainabilityCheck{MinNDCG: new(0.9), Samples: 100} }), "", ""},
		{"explained by nothing", of(func(s *MonitorSpec) { s.Explainability, s.Baseline = &ExplainabilityCheck{}, nil }), "explainability", "give the monitor one"},
		{"a gain above the best", of(func(s *MonitorSpec) { s.Explainability = &ExplainabilityCheck{MinNDCG: new(1.1)} }), "explainability.min_ndcg", "at most 1"},
		{"no gain", of(func(s *MonitorSpec) { s.Explainability = &ExplainabilityCheck{MinNDCG: new(0.0)} }), "explainability.min_ndcg", "above 0"},
		{"fewer samples than none", of(func(s *MonitorSpec) { s.Explainability = &ExplainabilityCheck{Samples: -1} }), "explainability.samples", "1 or more"},
		{"overrides", of(func(s *MonitorSpec) { s.Overrides = "[]" }), "overrides", "JSON object"},
		{"health of no limit", of(func(s *MonitorSpec) { s.Health = &HealthCheck{} }), "health", "Say what"},
		{"health", of(func(s *MonitorSpec) { s.Health = &HealthCheck{MaxErrorPercent: new(200.0)} }), "health.max_error_percent", "0 to 100"},
	})
}

func TestMonitorConsequencesValidate(t *testing.T) {
	t.Parallel()
	alerts := func(a Alerts) Validator { return monitor(func(s *MonitorSpec) { s.Alerts = &a }) }
	retrain := func(o OnViolation) Validator { return monitor(func(s *MonitorSpec) { s.OnViolation = &o }) }
	const train = ID("local/e/pipelines/train")
	checkSpecs(t, []specCase{
		{"alerts", alerts(Alerts{WebhookURL: "https://example.com/x", Emails: []string{"ml@example.com"}, Repeat: Duration(time.Hour)}), "", ""},
		{"not a URL", alerts(Alerts{WebhookURL: "example.com/x"}), "alerts.webhook_url", "http or https"},
		{"another scheme", alerts(Alerts{WebhookURL: "file:///etc/passwd"}), "alerts.webhook_url", "http or https"},
		{"mail with a name", alerts(Alerts{Emails: []string{"ML <ml@example.com>"}}), "alerts.emails[0]", "no e-mail address"},
		{"mail header", alerts(Alerts{Emails: []string{"ml@example.com\r\nBcc: x@example.com"}}), "alerts.emails[0]", "no e-mail address"},
		{"negative repeat", alerts(Alerts{Repeat: -1}), "alerts.repeat", "negative"},
		{"retraining", retrain(OnViolation{Pipeline: train, MaxPerMonth: new(int64(0)), Checks: []string{"data_drift"}}), "", ""},
		{"not a pipeline", retrain(OnViolation{Pipeline: "local/e/models/m"}), "on_violation.pipeline", "ID of a pipeline is needed"},
		{"pipeline elsewhere", retrain(OnViolation{Pipeline: "local/f/pipelines/train"}), "on_violation.pipeline", `"local/e"`},
		{"negative cap", retrain(OnViolation{Pipeline: train, MaxPerMonth: new(int64(-1))}), "on_violation.max_per_month", "0 or more"},
		{"unknown check", retrain(OnViolation{Pipeline: train, Checks: []string{"data_drfit"}}), "on_violation.checks[0]", `Did you mean "data_drift"?`},
		{"check not made", retrain(OnViolation{Pipeline: train, Checks: []string{"health"}}), "on_violation.checks[0]", "has no health"},
	})
}

func TestStarts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		on    *OnViolation
		check string
		want  bool
	}{
		{"no consequence", nil, "data_drift", false},
		{"any", &OnViolation{}, "data_drift", true},
		{"health by itself", &OnViolation{}, "health", false},
		{"health when asked", &OnViolation{Checks: []string{"health"}}, "health", true},
		{"another check", &OnViolation{Checks: []string{"health"}}, "bias", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.on.Starts(tt.check); got != tt.want {
				t.Errorf("starts: %t, want %t", got, tt.want)
			}
		})
	}
}

func TestMonitorUses(t *testing.T) {
	t.Parallel()
	wantUses(t, monitor(func(s *MonitorSpec) {
		s.Health, s.OnViolation = &HealthCheck{}, &OnViolation{}
		s.Alerts = &Alerts{Mark: "a mark is of a URL", Emails: []string{"ml@example.com"}}
		s.Overrides = "{}"
	}), map[Feature]string{
		FeatureMonitorDataDrift: "data_drift", FeatureMonitorHealth: "health", FeatureMonitorBaselineURI: "baseline.uri",
		FeatureMonitorWebhook: "alerts.webhook_url", FeatureMonitorEmails: "alerts.emails", FeatureMonitorRetraining: "on_violation",
		FeatureMonitorOverrides: "overrides",
	})
	wantUses(t, monitor(func(s *MonitorSpec) {
		s.Baseline = &Baseline{Dataset: "d", Run: "r"}
		s.DataDrift, s.PredictionDrift, s.DataQuality = nil, &DriftCheck{}, &DataQualityCheck{}
		s.ModelQuality, s.Bias, s.Explainability = &ModelQualityCheck{}, &BiasCheck{}, &ExplainabilityCheck{}
	}), map[Feature]string{
		FeatureMonitorPredictionDrift: "prediction_drift", FeatureMonitorDataQuality: "data_quality", FeatureMonitorModelQuality: "model_quality",
		FeatureMonitorBias: "bias", FeatureMonitorExplainability: "explainability", FeatureMonitorBaselineDataset: "baseline.dataset", FeatureMonitorBaselineRun: "baseline.run",
	})
}

func dataset(change ...func(*DatasetSpec)) DatasetSpec {
	s := DatasetSpec{Environment: "local/e", Name: "d", URI: "train.csv"}
	for _, f := range change {
		f(&s)
	}
	return s
}

func TestDatasetValidate(t *testing.T) {
	t.Parallel()
	checks := func(k DatasetChecks) Validator { return dataset(func(s *DatasetSpec) { s.Checks = &k }) }
	column := func(k ColumnCheck) Validator { return checks(DatasetChecks{Columns: map[string]ColumnCheck{"age": k}}) }
	const run = ID("local/e/pipelines/p/runs/1")
	checkSpecs(t, []specCase{
		{"dataset", dataset(), "", ""},
		{"zipped", dataset(func(s *DatasetSpec) { s.URI = "s3://b/train.JSONL.gz" }), "", ""},
		{"of a run", dataset(func(s *DatasetSpec) { s.URI, s.Run, s.Output = "", run, "train" }), "", ""},
		{"no source", dataset(func(s *DatasetSpec) { s.URI = "" }), "uri", "run and output"},
		{"two sources", dataset(func(s *DatasetSpec) { s.Run, s.Output = run, "train" }), "uri", "not both"},
		{"run without output", dataset(func(s *DatasetSpec) { s.URI, s.Run = "", run }), "output", "which output"},
		{"output without run", dataset(func(s *DatasetSpec) { s.Output = "train" }), "output", "give run too"},
		{"not a run", dataset(func(s *DatasetSpec) { s.URI, s.Run, s.Output = "", "local/e", "train" }), "run", "ID of a pipeline run is needed"},
		{"format", dataset(func(s *DatasetSpec) { s.Format = "cvs" }), "format", `Did you mean "csv"?`},
		{"no format", dataset(func(s *DatasetSpec) { s.URI = "train.data" }), "format", `"train.data" does not show`},
		{"type", dataset(func(s *DatasetSpec) { s.Schema = map[string]Column{"age": {Type: "int"}} }), `schema["age"].type`, "no column type"},
		{"negative rows", checks(DatasetChecks{MinRows: -1}), "checks.min_rows", "0 or more"},
		{"no data can pass", checks(DatasetChecks{MinRows: 2, MaxRows: 1}), "checks.max_rows", "no data can pass"},
		{"missing", checks(DatasetChecks{MaxMissingPercent: new(101.0)}), "checks.max_missing_percent", "0 to 100"},
		{"action", checks(DatasetChecks{OnFailure: "fail"}), "checks.on_failure", "no action"},
		{"unique twice", checks(DatasetChecks{Unique: []string{"a", "a"}}), "checks.unique[1]", "listed twice"},
		{"no value can pass", column(ColumnCheck{Min: new(2.0), Max: new(1.0)}), `checks.columns["age"].max`, "no value can pass"},
		{
			"column that the schema lacks", dataset(func(s *DatasetSpec) {
				s.Schema, s.Checks = map[string]Column{"age": {Type: "integer"}}, &DatasetChecks{Columns: map[string]ColumnCheck{"aeg": {}}}
			}), `checks.columns["aeg"]`, `Did you mean "age"?`,
		},
	})
}

func TestDatasetUses(t *testing.T) {
	t.Parallel()
	wantUses(t, dataset(func(s *DatasetSpec) { s.Schema, s.Checks = map[string]Column{"a": {}}, &DatasetChecks{} }), map[Feature]string{
		FeatureDatasetURI: "uri", FeatureDatasetCSV: "format", FeatureDatasetSchema: "schema", FeatureDatasetChecks: "checks",
	})
	wantUses(t, dataset(func(s *DatasetSpec) { s.URI, s.Run, s.Format = "", "r", "parquet" }), map[Feature]string{
		FeatureDatasetRun: "run", FeatureDatasetParquet: "format",
	})
}

func promotion(change ...func(*PromotionSpec)) PromotionSpec {
	s := PromotionSpec{From: "local/dev/models/m/versions/3", To: "local/prod/models/m", ApprovedBy: "rita"}
	for _, f := range change {
		f(&s)
	}
	return s
}

func TestPromotionValidate(t *testing.T) {
	t.Parallel()
	gates := func(g PromotionGates) Validator { return promotion(func(s *PromotionSpec) { s.Gates = &g }) }
	checkSpecs(t, []specCase{
		{"promotion", promotion(), "", ""},
		{"gates", gates(PromotionGates{Min: map[string]float64{"a": 1}, Max: map[string]float64{"a": 1}, Relative: map[string]float64{"l": 0}, Lower: []string{"l"}, Approval: true}), "", ""},
		{"not a version", promotion(func(s *PromotionSpec) { s.From = "local/dev/models/m" }), "from", "ID of a model version is needed"},
		{"not a model", promotion(func(s *PromotionSpec) { s.To = "local/prod" }), "to", "ID of a model is needed"},
		{"same model", promotion(func(s *PromotionSpec) { s.To = "local/dev/models/m" }), "to", "already one of"},
		{"alias", promotion(func(s *PromotionSpec) { s.Aliases = []string{"Champion!"} }), "aliases[0]", "not a valid alias"},
		{"nobody approved", promotion(func(s *PromotionSpec) { s.Gates, s.ApprovedBy = &PromotionGates{Approval: true}, "" }), "approved_by", "who approved"},
		{"gates never passed", gates(PromotionGates{Min: map[string]float64{"a": 1}, Max: map[string]float64{"a": 0.5}}), `gates.max["a"]`, "below min"},
		{"better which way", gates(PromotionGates{Lower: []string{"loss"}}), "gates.lower_is_better[0]", "not among the relative gates"},
		{"negative service", gates(PromotionGates{ServedFor: -1}), "gates.served_for", "negative"},
	})
	wantUses(t, promotion(func(s *PromotionSpec) { s.Aliases = []string{"champion"} }), map[Feature]string{FeatureVersionAliases: "aliases"})
}

func TestCheckApproval(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		stage, approval string
		refused         bool
	}{
		{"prod", "approved", false},
		{"prod", "pending", true},
		{"prod", "rejected", true},
		{"staging", "pending", false},
		{"dev", "rejected", false},
	} {
		t.Run(tt.stage+" "+tt.approval, func(t *testing.T) {
			t.Parallel()
			c := NewChecker()
			CheckApproval(c, At("variants"), tt.stage, "local/e/models/m/versions/1", tt.approval)
			if got := c.Err() != nil; got != tt.refused {
				t.Errorf("refused: %t (%v), want %t", got, c.Err(), tt.refused)
			}
		})
	}
}

func TestBudgetValidate(t *testing.T) {
	t.Parallel()
	of := func(b Budget) Validator { return EnvironmentSpec{Name: "e", Stage: "dev", Budget: &b} }
	checkSpecs(t, []specCase{
		{"budget", of(Budget{MonthlyUSD: 50, AlertPercents: []int64{80, 120}, Emails: []string{"ml@example.com"}}), "", ""},
		{"nothing to spend", of(Budget{}), "budget.monthly_usd", "above 0"},
		{"no number", of(Budget{MonthlyUSD: math.NaN()}), "budget.monthly_usd", "above 0"},
		{"percentage", of(Budget{MonthlyUSD: 1, AlertPercents: []int64{80, 0}}), "budget.alert_percents[1]", "1 to 1000"},
		{"address", of(Budget{MonthlyUSD: 1, Emails: []string{"ml"}}), "budget.emails[0]", "no e-mail address"},
	})
}
