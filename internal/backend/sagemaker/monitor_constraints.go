package sagemaker

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

// constraints turns the constraints that a baseline suggests into those that a
// check asks for: of the columns that it looks at, with its limits.
func (d dataCheck) constraints(suggested []byte) ([]byte, error) {
	var c constraints
	if err := json.Unmarshal(suggested, &c); err != nil {
		return nil, fmt.Errorf("the baseline's constraints cannot be read: %w", err)
	}
	c.Features = slices.DeleteFunc(c.Features, func(f featureConstraint) bool { return !d.watches(f.Name) })
	if len(c.Features) == 0 {
		return nil, invalid(errors.New("the baseline has none of the columns that the monitor compares"))
	}
	for i, f := range c.Features {
		c.Features[i] = d.constrained(f)
	}
	c.Config = monitoringConfig{
		Evaluate: onOff(d.quality != nil), Metrics: enabled,
		Types: 1, Domains: 1,
		Distribution: distributionSetting{Compare: onOff(d.drift != nil), Threshold: defaultDistance, Method: "Robust"},
	}
	if q := d.quality; q != nil {
		c.Config.Types, c.Config.Domains = least(q.MaxTypePercent), least(q.MaxCategoryPercent)
	}
	if d.drift != nil && d.drift.Statistic == "ks" {
		c.Config.Distribution.Method = "Simple"
		if t := d.drift.Threshold; t != nil {
			c.Config.Distribution.Threshold = *t
		}
	}
	return json.Marshal(c)
}

// constrained gives a column the check's limits.
func (d dataCheck) constrained(f featureConstraint) featureConstraint {
	if q := d.quality; q != nil {
		f.Completeness *= least(q.MaxMissingPercent)
	}
	if d.drift != nil && len(d.drift.Features) > 0 && !slices.Contains(d.drift.Features, f.Name) {
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
