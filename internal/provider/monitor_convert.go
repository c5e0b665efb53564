package provider

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func (m monitorModel) spec() mlops.MonitorSpec {
	s := mlops.MonitorSpec{
		Endpoint: idOf(m.Endpoint), Name: valueOf(m.Name), Description: valueOf(m.Description), Labels: m.Labels,
		Schedule: valueOf(m.Schedule.spec()), Window: durationOf(m.Window), MinRows: valueOf(m.MinRows), Baseline: m.Baseline.spec(),
		DataDrift: m.DataDrift.spec(), PredictionDrift: m.PredictionDrift.spec(), DataQuality: m.DataQuality.spec(),
		ModelQuality: m.ModelQuality.spec(), Bias: m.Bias.spec(), Explainability: m.Explainability.spec(), Health: m.Health.spec(),
		OnViolation: m.OnViolation.spec(), Overrides: valueOf(m.Overrides),
	}
	if a := m.Alerts; a != nil {
		// The URL is in a configuration only, and its mark in a state only.
		s.Alerts = &mlops.Alerts{WebhookURL: valueOf(a.WebhookURL), Emails: a.Emails, Repeat: durationOf(a.Repeat), Mark: valueOf(m.WebhookMark)}
	}
	return s
}

// How a mark is made: slow enough that trying out what a secret might be takes
// longer than anybody would wait, and short enough that many have it.
const (
	markRounds = 100_000
	markBytes  = 8
)

// markOf is a mark of a secret, another for each object that has it.
func markOf(id mlops.ID, secret string) string {
	b, err := pbkdf2.Key(sha256.New, secret, []byte(id), markRounds, markBytes)
	if err != nil { // only of a length that no hash has
		panic("provider: " + err.Error())
	}
	return hex.EncodeToString(b)
}

func (m *baselineModel) spec() *mlops.Baseline {
	if m == nil {
		return nil
	}
	return &mlops.Baseline{
		Dataset: idOf(m.Dataset), Run: idOf(m.Run), Output: valueOf(m.Output), URI: valueOf(m.URI), Format: valueOf(m.Format),
		Features: m.Features, Prediction: valueOf(m.Prediction), Label: valueOf(m.Label),
	}
}

func (m *driftModel) spec() *mlops.DriftCheck {
	if m == nil {
		return nil
	}
	return &mlops.DriftCheck{Statistic: valueOf(m.Statistic), Threshold: m.Threshold}
}

func (m *dataDriftModel) spec() *mlops.DriftCheck {
	if m == nil {
		return nil
	}
	return &mlops.DriftCheck{Statistic: valueOf(m.Statistic), Threshold: m.Threshold, Features: m.Features, MaxDrifted: m.MaxDrifted}
}

func (m *dataQualityModel) spec() *mlops.DataQualityCheck {
	if m == nil {
		return nil
	}
	return &mlops.DataQualityCheck{MaxMissingPercent: m.MaxMissing, MaxTypePercent: m.MaxType, MaxRangePercent: m.MaxRange, MaxCategoryPercent: m.MaxCategory}
}

func (m *modelQualityModel) spec() *mlops.ModelQualityCheck {
	if m == nil {
		return nil
	}
	return &mlops.ModelQualityCheck{
		Task: valueOf(m.Task), GroundTruth: valueOf(m.GroundTruth), Min: m.Min, Max: m.Max,
		Positive: valueOf(m.Positive), Delay: durationOf(m.Delay),
	}
}

func (m *biasModel) spec() *mlops.BiasCheck {
	if m == nil {
		return nil
	}
	return &mlops.BiasCheck{Group: valueOf(m.Group), Statistic: valueOf(m.Statistic), Threshold: valueOf(m.Threshold), Favorable: valueOf(m.Favorable)}
}

func (m *explainabilityModel) spec() *mlops.ExplainabilityCheck {
	if m == nil {
		return nil
	}
	return &mlops.ExplainabilityCheck{MinNDCG: m.MinNDCG, Samples: valueOf(m.Samples)}
}

func (m *healthModel) spec() *mlops.HealthCheck {
	if m == nil {
		return nil
	}
	return &mlops.HealthCheck{
		MaxErrorPercent: m.MaxErrorPercent, MaxP50: durationOf(m.MaxP50), MaxP95: durationOf(m.MaxP95), MaxP99: durationOf(m.MaxP99),
		MinRequests: valueOf(m.MinRequests),
	}
}

func (m *onViolationModel) spec() *mlops.OnViolation {
	if m == nil {
		return nil
	}
	return &mlops.OnViolation{
		Pipeline: idOf(m.Pipeline), Parameters: m.Parameters, Cooldown: durationOf(m.Cooldown), MaxPerMonth: m.MaxPerMonth, Checks: m.Checks,
	}
}

// monitorOf never has the webhook's URL: what is written to state must not.
func monitorOf(seen mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus]) monitorModel {
	s := seen.Spec
	m := monitorModel{
		Endpoint: nullableID(s.Endpoint), Name: nullable(s.Name), Description: nullable(s.Description), Labels: s.Labels,
		Schedule: scheduleOf(&s.Schedule), Window: nullableDuration(s.Window), MinRows: nullable(s.MinRows), Baseline: baselineOf(s.Baseline),
		DataDrift: dataDriftOf(s.DataDrift), PredictionDrift: driftOf(s.PredictionDrift), DataQuality: dataQualityOf(s.DataQuality),
		ModelQuality: modelQualityOf(s.ModelQuality), Bias: biasOf(s.Bias), Explainability: explainabilityOf(s.Explainability), Health: healthOf(s.Health),
		OnViolation: onViolationOf(s.OnViolation), Overrides: nullable(s.Overrides), Problem: problemOf(seen.Phase, seen.Reason),
	}
	if a := s.Alerts; a != nil {
		m.Alerts = &alertsModel{Emails: a.Emails, Repeat: nullableDuration(a.Repeat)}
		m.WebhookMark = nullable(a.Mark)
	}
	return m
}

func baselineOf(b *mlops.Baseline) *baselineModel {
	if b == nil {
		return nil
	}
	return &baselineModel{
		Dataset: nullableID(b.Dataset), Run: nullableID(b.Run), Output: nullable(b.Output), URI: nullable(b.URI), Format: nullable(b.Format),
		Features: b.Features, Prediction: nullable(b.Prediction), Label: nullable(b.Label),
	}
}

func driftOf(d *mlops.DriftCheck) *driftModel {
	if d == nil {
		return nil
	}
	return &driftModel{Statistic: nullable(d.Statistic), Threshold: d.Threshold}
}

func dataDriftOf(d *mlops.DriftCheck) *dataDriftModel {
	if d == nil {
		return nil
	}
	return &dataDriftModel{Statistic: nullable(d.Statistic), Threshold: d.Threshold, Features: d.Features, MaxDrifted: d.MaxDrifted}
}

func dataQualityOf(d *mlops.DataQualityCheck) *dataQualityModel {
	if d == nil {
		return nil
	}
	return &dataQualityModel{MaxMissing: d.MaxMissingPercent, MaxType: d.MaxTypePercent, MaxRange: d.MaxRangePercent, MaxCategory: d.MaxCategoryPercent}
}

func modelQualityOf(q *mlops.ModelQualityCheck) *modelQualityModel {
	if q == nil {
		return nil
	}
	return &modelQualityModel{
		Task: nullable(q.Task), GroundTruth: nullable(q.GroundTruth), Min: q.Min, Max: q.Max,
		Positive: nullable(q.Positive), Delay: nullableDuration(q.Delay),
	}
}

func biasOf(b *mlops.BiasCheck) *biasModel {
	if b == nil {
		return nil
	}
	return &biasModel{Group: nullable(b.Group), Statistic: nullable(b.Statistic), Threshold: &b.Threshold, Favorable: nullable(b.Favorable)}
}

func explainabilityOf(e *mlops.ExplainabilityCheck) *explainabilityModel {
	if e == nil {
		return nil
	}
	return &explainabilityModel{MinNDCG: e.MinNDCG, Samples: nullable(e.Samples)}
}

func healthOf(h *mlops.HealthCheck) *healthModel {
	if h == nil {
		return nil
	}
	return &healthModel{
		MaxErrorPercent: h.MaxErrorPercent, MaxP50: nullableDuration(h.MaxP50), MaxP95: nullableDuration(h.MaxP95), MaxP99: nullableDuration(h.MaxP99),
		MinRequests: nullable(h.MinRequests),
	}
}

func onViolationOf(o *mlops.OnViolation) *onViolationModel {
	if o == nil {
		return nil
	}
	return &onViolationModel{
		Pipeline: nullableID(o.Pipeline), Parameters: o.Parameters, Cooldown: nullableDuration(o.Cooldown), MaxPerMonth: o.MaxPerMonth, Checks: o.Checks,
	}
}
