package sagemaker

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// constraints is the file that Model Monitor holds data to. Its schema is
// published with the analyzer's documentation; members that are not named here
// are kept as they are.
type constraints struct {
	Version  json.Number         `json:"version"`
	Features []featureConstraint `json:"features"`
	Config   monitoringConfig    `json:"monitoring_config"`
}

type featureConstraint struct {
	Name         string          `json:"name"`
	Type         string          `json:"inferred_type"`
	Completeness float64         `json:"completeness"`
	Numbers      json.RawMessage `json:"num_constraints,omitempty"`
	Strings      json.RawMessage `json:"string_constraints,omitempty"`
	Overrides    map[string]any  `json:"monitoringConfigOverrides,omitempty"`
}

// monitoringConfig says how the file is used. Thresholds of types and domains are
// the least share of values that must fit.
type monitoringConfig struct {
	Evaluate     string              `json:"evaluate_constraints"`
	Metrics      string              `json:"emit_metrics"`
	Types        float64             `json:"datatype_check_threshold"`
	Domains      float64             `json:"domain_content_threshold"`
	Distribution distributionSetting `json:"distribution_constraints"`
}

type distributionSetting struct {
	Compare   string  `json:"perform_comparison"`
	Threshold float64 `json:"comparison_threshold"`
	Method    string  `json:"comparison_method"`
}

const (
	enabled  = "Enabled"
	disabled = "Disabled"

	// defaultDistance is the analyzer's own threshold of distributions.
	defaultDistance = 0.1
)

// monitorConstraints turns the constraints that a baseline suggests into those
// that a monitor asks for: of the features that it names, with its limits.
func monitorConstraints(suggested []byte, spec mlops.MonitorSpec) ([]byte, error) {
	var c constraints
	if err := json.Unmarshal(suggested, &c); err != nil {
		return nil, fmt.Errorf("the baseline's constraints cannot be read: %w", err)
	}
	c.Features = slices.DeleteFunc(c.Features, func(f featureConstraint) bool { return !watches(spec, f.Name) })
	if len(c.Features) == 0 {
		return nil, invalid(errors.New("the baseline has none of the features that the monitor names"))
	}
	for i, f := range c.Features {
		c.Features[i] = constrained(f, spec)
	}
	c.Config = monitoringConfig{
		Evaluate: onOff(spec.DataQuality != nil), Metrics: enabled,
		Types: 1, Domains: 1,
		Distribution: distributionSetting{Compare: onOff(spec.DataDrift != nil), Threshold: defaultDistance, Method: "Robust"},
	}
	if q := spec.DataQuality; q != nil {
		c.Config.Types, c.Config.Domains = least(q.MaxTypePercent), least(q.MaxCategoryPercent)
	}
	if d := spec.DataDrift; d != nil && d.Statistic == "ks" {
		c.Config.Distribution.Method = "Simple"
		if d.Threshold != nil {
			c.Config.Distribution.Threshold = *d.Threshold
		}
	}
	return json.Marshal(c)
}

// watches reports whether a column of the baseline is a feature.
func watches(spec mlops.MonitorSpec, column string) bool {
	b := spec.Baseline
	if column == b.Label {
		return false
	}
	return len(b.Features) == 0 || slices.Contains(b.Features, column) || column == b.Prediction
}

// constrained gives a feature the monitor's limits.
func constrained(f featureConstraint, spec mlops.MonitorSpec) featureConstraint {
	if q := spec.DataQuality; q != nil {
		f.Completeness *= least(q.MaxMissingPercent)
	}
	d := spec.DataDrift
	if d != nil && len(d.Features) > 0 && !slices.Contains(d.Features, f.Name) {
		f.Overrides = map[string]any{"distribution_constraints": map[string]any{"perform_comparison": disabled}}
	}
	return f
}

// least is the share that must be right where a percentage may be wrong.
func least(percent *float64) float64 {
	if percent == nil {
		return 1
	}
	return 1 - *percent/100
}

func onOff(on bool) string {
	if on {
		return enabled
	}
	return disabled
}
