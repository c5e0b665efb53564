package provider

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestExperimentRoundTrip(t *testing.T) {
	t.Parallel()
	roundTrip(t, experiment(), map[string]mlops.ExperimentSpec{
		"least": {Environment: devID, Name: "e"},
		"most":  {Environment: devID, Name: "e", Description: "Größe 🙂", Labels: map[string]string{"a": "b"}},
		"empty": {Environment: devID, Name: "e", Labels: map[string]string{}},
	})
}

func TestDatasetRoundTrip(t *testing.T) {
	t.Parallel()
	zero, half, top := 0.0, 0.5, 100.0
	roundTrip(t, dataset(guide{testFactories()}), map[string]mlops.DatasetSpec{
		"least": {Environment: devID, Name: "d", URI: "a.csv"},
		"most": {
			Environment: devID, Name: "d", Description: "d", Labels: map[string]string{"a": "b"},
			Run: devID + "/pipelines/p/runs/1", Output: "fit.train", Format: "parquet",
			Schema: map[string]mlops.Column{"age": {Type: "integer", Required: true}, "country": {Type: "string"}},
			Checks: &mlops.DatasetChecks{
				MinRows: 1, MaxRows: 2, MaxMissingPercent: &zero, Unique: []string{"b", "a"}, OnFailure: "warn",
				Columns: map[string]mlops.ColumnCheck{
					"age":     {Min: &zero, Max: &top, MaxMissingPercent: &half},
					"country": {Values: []string{"at", "de"}},
					"nothing": {},
				},
			},
		},
		"empty": {
			Environment: devID, Name: "d", URI: "a.csv", Labels: map[string]string{}, Schema: map[string]mlops.Column{},
			Checks: &mlops.DatasetChecks{
				Unique: []string{}, OnFailure: "error",
				Columns: map[string]mlops.ColumnCheck{"country": {Values: []string{}}},
			},
		},
	})
}

func TestMonitorRoundTrip(t *testing.T) {
	t.Parallel()
	zero, half := 0.0, 0.5
	none := int64(0)
	minute := mlops.Duration(time.Minute)
	least := mlops.MonitorSpec{Endpoint: devID + "/endpoints/e", Name: "m", Schedule: mlops.Schedule{Cron: "@daily"}}
	most := mlops.MonitorSpec{
		Endpoint: devID + "/endpoints/e", Name: "m", Description: "d", Labels: map[string]string{"a": "b"},
		Schedule: mlops.Schedule{Cron: "@daily", Timezone: "UTC", Disabled: true}, Window: minute, MinRows: 1,
		Baseline: &mlops.Baseline{
			Dataset: devID + "/datasets/d", Run: devID + "/pipelines/p/runs/1", Output: "fit.train", URI: "a.csv", Format: "csv",
			Features: []string{"b", "a"}, Prediction: "p", Label: "l",
		},
		DataDrift:       &mlops.DriftCheck{Statistic: "psi", Threshold: &half, Features: []string{"a", "b"}, MaxDrifted: &zero},
		PredictionDrift: &mlops.DriftCheck{Statistic: "ks", Threshold: &half},
		DataQuality:     &mlops.DataQualityCheck{MaxMissingPercent: &zero, MaxTypePercent: &half, MaxRangePercent: &zero, MaxCategoryPercent: &half},
		ModelQuality: &mlops.ModelQualityCheck{
			Task: "regression", GroundTruth: "truth", Min: map[string]float64{"r2": 0}, Max: map[string]float64{"mae": 1}, Positive: "yes", Delay: minute,
		},
		Bias:           &mlops.BiasCheck{Group: "country", Statistic: "disparate_impact", Threshold: half, Favorable: "yes"},
		Explainability: &mlops.ExplainabilityCheck{MinNDCG: &half, Samples: 100}, Overrides: `{"bias":{}}`,
		Health:      &mlops.HealthCheck{MaxErrorPercent: &zero, MaxP50: minute, MaxP95: minute, MaxP99: minute, MinRequests: 1},
		Alerts:      &mlops.Alerts{Emails: []string{"a@example.com"}, Repeat: minute, Mark: "0123456789abcdef"},
		OnViolation: &mlops.OnViolation{Pipeline: devID + "/pipelines/p", Parameters: map[string]string{"a": ""}, Cooldown: minute, MaxPerMonth: &none, Checks: []string{"bias", "health"}},
	}
	empty := least
	empty.Labels, empty.Baseline = map[string]string{}, &mlops.Baseline{Features: []string{}}
	empty.DataDrift, empty.PredictionDrift = &mlops.DriftCheck{Features: []string{}}, &mlops.DriftCheck{}
	empty.DataQuality, empty.Health = &mlops.DataQualityCheck{}, &mlops.HealthCheck{}
	empty.ModelQuality = &mlops.ModelQualityCheck{Task: "classification", Min: map[string]float64{}, Max: map[string]float64{}}
	empty.Explainability = &mlops.ExplainabilityCheck{}
	empty.Alerts = &mlops.Alerts{Emails: []string{}}
	empty.OnViolation = &mlops.OnViolation{Pipeline: devID + "/pipelines/p", Parameters: map[string]string{}, Checks: []string{}}
	roundTrip(t, monitor(guide{testFactories()}), map[string]mlops.MonitorSpec{"least": least, "most": most, "empty": empty})
}

// What the platform knows of a monitor never has the URL, even if it says it.
func TestMonitorOfHidesTheWebhook(t *testing.T) {
	t.Parallel()
	spec := mlops.MonitorSpec{Alerts: &mlops.Alerts{WebhookURL: "https://hooks.example.com/T0/secret", Mark: "mark"}}
	m := monitorOf(mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus]{Spec: spec})
	if m.Alerts.WebhookURL != nil || valueOf(m.WebhookMark) != "mark" {
		t.Errorf("URL %v, mark %v", m.Alerts.WebhookURL, m.WebhookMark)
	}
}

func TestWebhookMark(t *testing.T) {
	t.Parallel()
	const id, url = mlops.ID(devID + "/monitors/a"), "https://hooks.example.com/one"
	mark := markOf(id, url)
	tests := []struct {
		name string
		id   mlops.ID
		url  string
		same bool
	}{
		{"the same", id, url, true},
		{"another URL", id, url + "?", false},
		{"another monitor", devID + "/monitors/b", url, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := markOf(tt.id, tt.url); len(got) != 2*markBytes || (got == mark) != tt.same {
				t.Errorf("marks %q and %q", mark, got)
			}
		})
	}
}

// A configuration's URL decides; where it has none, the mark is taken over.
func TestMarkWebhook(t *testing.T) {
	t.Parallel()
	held := map[string]tftypes.Value{"webhook_mark": tftypes.NewValue(tftypes.String, "mark")}
	none := map[string]tftypes.Value{"webhook_mark": tftypes.NewValue(tftypes.String, nil)}
	tests := []struct {
		name   string
		alerts *mlops.Alerts
		held   map[string]tftypes.Value
		mark   string
		taken  bool
	}{
		{"no alerts", nil, held, "", false},
		{"with a URL", &mlops.Alerts{WebhookURL: "https://a"}, held, "mark", false},
		{"without a URL", &mlops.Alerts{}, held, "mark", true},
		{"without either", &mlops.Alerts{}, none, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := mlops.MonitorSpec{Alerts: tt.alerts}
			if got := markWebhook(&s, tt.held); got != tt.taken {
				t.Errorf("taken over: %v, want %v", got, tt.taken)
			}
			if s.Alerts != nil && s.Alerts.Mark != tt.mark {
				t.Errorf("mark %q, want %q", s.Alerts.Mark, tt.mark)
			}
		})
	}
}
