package driftjob

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// wide is a report of so many features, of which every hundredth is violated.
func wide(features, name int) mlops.MonitorReport {
	check := mlops.CheckReport{State: mlops.MonitorViolated, Reason: "drifted: many", Rows: 1000}
	for i := range features {
		check.Features = append(check.Features, mlops.FeatureReport{
			Name: fmt.Sprint(strings.Repeat("<", name), i), Statistic: "psi",
			Value: new(float64(i) / 1e6), Threshold: new(0.2), Violated: i%100 == 0,
		})
	}
	return mlops.MonitorReport{
		Monitor: monitor, At: noon(), State: mlops.MonitorViolated, Rows: 1000,
		Reason: "data_drift: drifted: many", Checks: map[string]mlops.CheckReport{"data_drift": check},
	}
}

func TestReportsFit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		report   mlops.MonitorReport
		isWhole  bool
		violated int // first of the features that are kept
	}{
		{"small ones are whole", wide(100, 1), true, 1},
		{"wide", wide(10_000, 1), false, 100},
		{"long names", wide(2000, 1000), false, 5},
		{"gigantic names", wide(10, 1<<20), false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := reduced(tt.report, mostReport)
			if len(text) > mostReport {
				t.Errorf("%d bytes", len(text))
			}
			var got mlops.MonitorReport
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			check := got.Checks["data_drift"]
			left := len(tt.report.Checks["data_drift"].Features) - len(check.Features)
			if (left == 0) != tt.isWhole || got.State != mlops.MonitorViolated || check.Rows != 1000 {
				t.Errorf("%d features are left out of %+v", left, got.State)
			}
			if says := strings.Contains(check.Reason, fmt.Sprintf("%d more figures are left out", left)); says == tt.isWhole {
				t.Errorf("reason %q, %d are left out", check.Reason, left)
			}
			for i, f := range check.Features {
				if !tt.isWhole && f.Violated != (i < 100) && i < tt.violated {
					t.Errorf("feature %d (%.20s) is violated: %t", i, f.Name, f.Violated)
				}
			}
		})
	}
}

// TestWorstFirst: what is nearest to a violation is kept.
func TestWorstFirst(t *testing.T) {
	t.Parallel()
	r := wide(10_000, 1)
	text := reduced(r, 2000)
	var got mlops.MonitorReport
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	kept := got.Checks["data_drift"].Features
	if len(kept) == 0 || kept[0].Name != "<9900" {
		t.Errorf("kept %+v", kept)
	}
	if first := r.Checks["data_drift"].Features[0].Name; first != "<0" {
		t.Errorf("the report itself was sorted: %s first", first)
	}
}

func TestReasonsAreCut(t *testing.T) {
	t.Parallel()
	r := wide(0, 0)
	r.Reason = strings.Repeat("ä", mostReport)
	text := reduced(r, mostReport)
	if len(text) > mostReport || !json.Valid(text) || strings.Contains(string(text), "\ufffd") {
		t.Errorf("%d bytes: %.100s", len(text), text)
	}
}
