package mlopstest

import (
	_ "embed"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// parquet is the suite's table as pyarrow writes it.
//
//go:embed testdata/small.parquet
var parquet string

func datasetSamples() []sample {
	of := func(f mlops.Feature, change func(*lab, *mlops.DatasetSpec)) sample {
		return sample{feature: f, noun: mlops.NounDataset, spec: func(l *lab) any {
			s := l.datasetSpec(l.fresh())
			change(l, &s)
			return s
		}}
	}
	format := func(f mlops.Feature, name, content string) sample {
		return of(f, func(l *lab, s *mlops.DatasetSpec) { s.Format, s.URI = name, l.world.Artifact(l.T, content) })
	}
	low, none := 18.0, 0.0
	written := of(mlops.FeatureDatasetRun, func(l *lab, s *mlops.DatasetSpec) { s.URI, s.Run, s.Output = "", l.run(), "train.data" })
	written.uses = mlops.NounPipelineRun
	return []sample{
		of(mlops.FeatureDatasetURI, func(*lab, *mlops.DatasetSpec) {}),
		written,
		format(mlops.FeatureDatasetCSV, "csv", table),
		format(mlops.FeatureDatasetJSONL, "jsonl", "{\"age\": 31, \"colour\": \"red\"}\n{\"age\": 42, \"colour\": null}\n"),
		format(mlops.FeatureDatasetParquet, "parquet", parquet),
		of(mlops.FeatureDatasetSchema, func(_ *lab, s *mlops.DatasetSpec) {
			s.Schema = map[string]mlops.Column{"age": {Type: "integer", Required: true}, "colour": {Type: "string"}}
		}),
		of(mlops.FeatureDatasetChecks, func(_ *lab, s *mlops.DatasetSpec) {
			s.Checks = &mlops.DatasetChecks{
				MinRows: 1, Unique: []string{"age"}, MaxMissingPercent: &none,
				Columns: map[string]mlops.ColumnCheck{"age": {Min: &low}, "colour": {Values: []string{"red", "blue", "green"}}},
			}
		}),
	}
}

// monitorSample is of a monitor that compares with a small table.
func monitorSample(f mlops.Feature, change func(*lab, *mlops.MonitorSpec)) sample {
	return sample{feature: f, noun: mlops.NounMonitor, spec: func(l *lab) any {
		s := l.monitorSpec(l.fresh())
		s.Health = nil
		s.Baseline = &mlops.Baseline{URI: l.world.Artifact(l.T, table), Format: "csv"}
		change(l, &s)
		return s
	}}
}

func monitorSamples() []sample {
	of := monitorSample
	threshold, half := 0.3, 0.5
	quality := func(s *mlops.MonitorSpec) {
		s.ModelQuality = &mlops.ModelQualityCheck{Task: "classification", Min: map[string]float64{"accuracy": half}}
	}
	return []sample{
		of(mlops.FeatureMonitorDataDrift, func(_ *lab, s *mlops.MonitorSpec) {
			s.DataDrift = &mlops.DriftCheck{Statistic: "psi", Threshold: &threshold, Features: []string{"age"}}
		}),
		of(mlops.FeatureMonitorPredictionDrift, func(_ *lab, s *mlops.MonitorSpec) { s.PredictionDrift = &mlops.DriftCheck{} }),
		of(mlops.FeatureMonitorDataQuality, func(_ *lab, s *mlops.MonitorSpec) {
			s.DataQuality = &mlops.DataQualityCheck{MaxMissingPercent: &half}
		}),
		of(mlops.FeatureMonitorModelQuality, func(_ *lab, s *mlops.MonitorSpec) { quality(s) }),
		of(mlops.FeatureMonitorBias, func(_ *lab, s *mlops.MonitorSpec) {
			s.Bias = &mlops.BiasCheck{Group: "colour", Statistic: "demographic_parity_difference", Threshold: threshold}
		}),
		of(mlops.FeatureMonitorExplainability, func(_ *lab, s *mlops.MonitorSpec) {
			s.Explainability, s.Baseline.Features = &mlops.ExplainabilityCheck{Samples: 100}, []string{"age", "colour"}
		}),
		of(mlops.FeatureMonitorOverrides, func(l *lab, s *mlops.MonitorSpec) {
			s.DataDrift, s.Overrides = &mlops.DriftCheck{}, l.world.Overrides[mlops.NounMonitor]
		}),
		of(mlops.FeatureMonitorHealth, func(l *lab, s *mlops.MonitorSpec) { *s = l.monitorSpec(s.Name) }),
	}
}

// consequenceSamples are of what a monitor compares with, and of what follows
// from a violation.
func consequenceSamples() []sample {
	baseline := func(f mlops.Feature, from func(*lab) *mlops.Baseline) sample {
		return monitorSample(f, func(l *lab, s *mlops.MonitorSpec) { s.Baseline, s.DataDrift = from(l), &mlops.DriftCheck{} })
	}
	healthy := func(f mlops.Feature, change func(*lab, *mlops.MonitorSpec)) sample {
		return sample{feature: f, noun: mlops.NounMonitor, spec: func(l *lab) any {
			s := l.monitorSpec(l.fresh())
			change(l, &s)
			return s
		}}
	}
	return []sample{
		baseline(mlops.FeatureMonitorBaselineDataset, func(l *lab) *mlops.Baseline { return &mlops.Baseline{Dataset: l.dataset()} }),
		baseline(mlops.FeatureMonitorBaselineRun, func(l *lab) *mlops.Baseline {
			return &mlops.Baseline{Run: l.run(), Output: "data", Format: "csv"}
		}),
		baseline(mlops.FeatureMonitorBaselineURI, func(l *lab) *mlops.Baseline {
			return &mlops.Baseline{URI: l.world.Artifact(l.T, table), Format: "csv", Features: []string{"age", "colour"}}
		}),
		healthy(mlops.FeatureMonitorWebhook, func(_ *lab, s *mlops.MonitorSpec) {
			s.Alerts = &mlops.Alerts{WebhookURL: "http://127.0.0.1:9/" + webhookPath, Mark: "mark-1"}
		}),
		healthy(mlops.FeatureMonitorEmails, func(_ *lab, s *mlops.MonitorSpec) { s.Alerts = &mlops.Alerts{Emails: []string{"ml@example.com"}} }),
		healthy(mlops.FeatureMonitorRetraining, func(l *lab, s *mlops.MonitorSpec) {
			most := int64(2)
			s.OnViolation = &mlops.OnViolation{Pipeline: l.pipeline(), MaxPerMonth: &most, Checks: []string{"health"}}
		}),
	}
}

// webhookPath is the part of a webhook's URL that nobody may read back.
const webhookPath = "hooks/not-to-be-read-back"
