package monitors

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestFalseAlarms holds checks to what internal/drift promises, from captured
// requests to the report: at most one of a hundred checks of unchanged data is
// violated. More than eight of two hundred would be less likely than one in five
// thousand. Each check has another window, and another baseline.
func TestFalseAlarms(t *testing.T) {
	t.Parallel()
	const checks, most = 200, 8
	random := seeded(11)
	alarms := 0
	b := newBench(t)
	for range checks {
		b.watch(func(s *mlops.MonitorSpec) {
			s.Baseline = b.based(people(random, 1000, 40))
			// So low that significance alone decides.
			s.DataDrift = &mlops.DriftCheck{Statistic: "psi", Threshold: new(1e-9)}
			s.PredictionDrift = &mlops.DriftCheck{}
		})
		b.forget()
		b.send(people(random, 300, 40))
		r, err := b.CheckNow(t.Context(), monitor)
		if err != nil {
			t.Fatal(err)
		}
		switch r.State {
		case mlops.MonitorViolated:
			alarms++
		case mlops.MonitorOK:
		case mlops.MonitorWaiting, mlops.MonitorNoData, mlops.MonitorBroken:
			t.Fatalf("%s: %s", r.State, r.Reason)
		}
		if err := b.Delete(t.Context(), monitor); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of %d checks of unchanged data were violated", alarms, checks)
	if alarms > most {
		t.Errorf("%d of %d checks of unchanged data were violated", alarms, checks)
	}
}

func TestDrift(t *testing.T) {
	t.Parallel()
	recoloured := people(seeded(5), 500, 40)
	for i := range recoloured {
		recoloured[i].colour = "blue"
	}
	tests := []struct {
		name    string
		live    []row
		check   func(*mlops.MonitorSpec)
		want    mlops.MonitorState
		drifted string // names, by blanks
	}{
		{"unchanged", people(seeded(5), 500, 40), func(s *mlops.MonitorSpec) { s.DataDrift = &mlops.DriftCheck{} }, mlops.MonitorOK, ""},
		{"a number moves", people(seeded(5), 500, 52), func(s *mlops.MonitorSpec) { s.DataDrift = &mlops.DriftCheck{} }, mlops.MonitorViolated, "age"},
		{"categories move", recoloured, func(s *mlops.MonitorSpec) { s.DataDrift = &mlops.DriftCheck{} }, mlops.MonitorViolated, "colour"},
		{"the other feature", people(seeded(5), 500, 52), func(s *mlops.MonitorSpec) {
			s.DataDrift = &mlops.DriftCheck{Features: []string{"colour"}}
		}, mlops.MonitorOK, ""},
		{"half of them may", people(seeded(5), 500, 52), func(s *mlops.MonitorSpec) {
			s.DataDrift = &mlops.DriftCheck{MaxDrifted: new(50.0)}
		}, mlops.MonitorOK, "age"},
		{"below the threshold", people(seeded(5), 500, 52), func(s *mlops.MonitorSpec) {
			s.DataDrift = &mlops.DriftCheck{Statistic: "psi", Threshold: new(50.0)}
		}, mlops.MonitorOK, ""},
		{"predictions move", people(seeded(5), 500, 52), func(s *mlops.MonitorSpec) { s.PredictionDrift = &mlops.DriftCheck{} }, mlops.MonitorViolated, "prediction"},
		{"predictions do not", people(seeded(5), 500, 40), func(s *mlops.MonitorSpec) { s.PredictionDrift = &mlops.DriftCheck{Statistic: "chi_square"} }, mlops.MonitorOK, ""},
		{"a statistic for some", people(seeded(5), 500, 52), func(s *mlops.MonitorSpec) { s.DataDrift = &mlops.DriftCheck{Statistic: "ks"} }, mlops.MonitorViolated, "age"},
		{"too few rows", people(seeded(5), 99, 52), func(s *mlops.MonitorSpec) { s.DataDrift = &mlops.DriftCheck{} }, mlops.MonitorNoData, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.watch(func(s *mlops.MonitorSpec) {
				s.Baseline = b.based(people(seeded(4), 2000, 40))
				tt.check(s)
			})
			b.send(tt.live)
			r := b.check(tt.want)
			var drifted []string
			for _, c := range r.Checks {
				for _, f := range c.Features {
					if f.Violated {
						drifted = append(drifted, f.Name)
					}
				}
			}
			if got := strings.Join(drifted, " "); got != tt.drifted {
				t.Errorf("drifted: %q, want %q", got, tt.drifted)
			}
			if r.Rows != int64(len(tt.live)) {
				t.Errorf("%d rows of %d", r.Rows, len(tt.live))
			}
			if tt.want == mlops.MonitorNoData && !strings.Contains(r.Reason, "99 rows in the window, 100 are needed") {
				t.Errorf("reason %q", r.Reason)
			}
		})
	}
}

// TestFeaturesThatCannotBeJudged: each says why, and raises no alarm.
func TestFeaturesThatCannotBeJudged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		baseline func(i int) string // value of the feature in row i
		live     func(i int) string // as JSON, or "" for a request without it
		drifted  bool
		words    string // of the reason
	}{
		{"constant in both", constant("7"), constant("7"), false, ""},
		{"constant, and then another", constant("7"), constant("8"), true, ""},
		{"all null in the baseline", constant(""), constant("8"), false, "the baseline has no values"},
		{"all null in the traffic", counting, constant("null"), false, "all values are missing"},
		{"absent from the traffic", counting, constant(""), false, "all values are missing"},
		{"text where numbers were", counting, constant(`"seven"`), false, "all values are missing"},
		{"an id", func(i int) string { return fmt.Sprintf("id-%d", i) }, func(i int) string { return fmt.Sprintf(`"id-%d"`, 10000+i) }, false, "nearly every value is a category of its own"},
		{"not a number in the baseline", func(i int) string { return []string{"NaN", "1", "2"}[i%3] }, func(i int) string { return []string{"null", "1", "2"}[i%3] }, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			text := "steady,odd\n" + lines(3000, func(i int) string { return fmt.Sprintf("%d,%s\n", i%10, tt.baseline(i)) })
			b.write(gateway.CaptureFile, lines(600, func(i int) string {
				odd := tt.live(i)
				if odd != "" {
					odd = `,"odd":` + odd
				}
				return line("r", time.Now().Add(-time.Second), 200, fmt.Sprintf(`{"instances":[{"steady":%d%s}]}`, i%10, odd), `{}`)
			}))
			b.watch(func(s *mlops.MonitorSpec) {
				s.Baseline = &mlops.Baseline{URI: b.file("b.csv", text)}
				s.DataDrift = &mlops.DriftCheck{}
				s.DataQuality = &mlops.DataQualityCheck{
					MaxMissingPercent: new(100.0), MaxTypePercent: new(100.0), MaxRangePercent: new(100.0), MaxCategoryPercent: new(100.0),
				}
			})
			want := mlops.MonitorOK
			if tt.drifted {
				want = mlops.MonitorViolated
			}
			f := figure(t, b.check(want), "data_drift", "odd", "")
			if f.Violated != tt.drifted || !strings.Contains(f.Reason, tt.words) || (tt.words != "") != (f.Value == nil) {
				t.Errorf("%+v, want the reason %q", f, tt.words)
			}
		})
	}
}

func constant(v string) func(int) string { return func(int) string { return v } }

func counting(i int) string { return strconv.Itoa(i % 50) }

// TestFiguresThatJSONLacks: numbers beyond all bounds break no report.
func TestFiguresThatJSONLacks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.asked("a", time.Hour, "1e300,-1e300,1e308")
	b.write(gateway.GroundTruthFile, label("a", "[-1e300,1e300,-1e308]"))
	b.watch(func(s *mlops.MonitorSpec) {
		s.MinRows = 1
		s.ModelQuality = &mlops.ModelQualityCheck{Task: "regression", Max: map[string]float64{"rmse": 1}, Min: map[string]float64{"r2": 0}}
	})
	r := b.check(mlops.MonitorViolated)
	if f := figure(t, r, "model_quality", "rmse", ""); *f.Value != math.MaxFloat64 {
		t.Errorf("rmse %v", *f.Value)
	}
	if f := figure(t, r, "model_quality", "r2", ""); f.Value != nil && math.IsNaN(*f.Value) {
		t.Error("r2 is no number")
	}
	if kept, err := b.History(t.Context(), monitor); err != nil || len(kept) != 1 {
		t.Errorf("%d reports kept: %v", len(kept), err)
	}
}
