package monitors

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestDataQuality: of each hundred rows some violate the baseline's schema, which
// is age from 0 to 99 and a colour of three.
func TestDataQuality(t *testing.T) {
	t.Parallel()
	type limits = mlops.DataQualityCheck
	tests := []struct {
		name      string
		odd       string // instance that is sent
		share     int    // of a hundred
		limits    limits
		want      mlops.MonitorState
		feature   string
		statistic string
		value     float64
	}{
		{"sound", `[7,"red"]`, 0, limits{}, mlops.MonitorOK, "age", "range_percent", 0},
		{"missing", `[null,"red"]`, 3, limits{}, mlops.MonitorViolated, "age", "missing_percent", 3},
		{"missing within the limit", `[null,"red"]`, 3, limits{MaxMissingPercent: new(3.0)}, mlops.MonitorOK, "age", "missing_percent", 3},
		{"another type", `["old","red"]`, 2, limits{}, mlops.MonitorViolated, "age", "type_percent", 2},
		{"another type is not missing", `["old","red"]`, 2, limits{MaxTypePercent: new(2.0)}, mlops.MonitorOK, "age", "missing_percent", 0},
		{"above the greatest", `[100,"red"]`, 4, limits{}, mlops.MonitorViolated, "age", "range_percent", 4},
		{"below the least", `[-0.5,"red"]`, 4, limits{MaxRangePercent: new(3.9)}, mlops.MonitorViolated, "age", "range_percent", 4},
		{"a fraction where integers were", `[3.5,"red"]`, 4, limits{}, mlops.MonitorOK, "age", "type_percent", 0},
		{"a new category", `[7,"mauve"]`, 5, limits{}, mlops.MonitorViolated, "colour", "category_percent", 5},
		{"a number for a category", `[7,8]`, 5, limits{}, mlops.MonitorViolated, "colour", "category_percent", 5},
		{"too narrow", `[7]`, 1, limits{MaxMissingPercent: new(1.0)}, mlops.MonitorViolated, "(request)", "width_percent", 1},
		{"too wide", `[7,"red",1]`, 1, limits{}, mlops.MonitorViolated, "(request)", "width_percent", 1},
		{"absent", `{"colour":"red"}`, 100, limits{}, mlops.MonitorViolated, "age", "missing_percent", 100},
		{"a column that is new", `{"age":7,"colour":"red","shoe":44}`, 10, limits{}, mlops.MonitorOK, "shoe", "unknown_percent", 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			text := "age,colour\n" + lines(100, func(i int) string { return fmt.Sprintf("%d,%s\n", i, []string{"red", "green", "blue"}[i%3]) })
			b.write(gateway.CaptureFile, lines(100, func(i int) string {
				instance := fmt.Sprintf(`[%d,"red"]`, i)
				if i < tt.share {
					instance = tt.odd
				}
				return line("r", time.Now().Add(-time.Second), 200, `{"instances":[`+instance+`]}`, `{}`)
			}))
			b.watch(func(s *mlops.MonitorSpec) {
				s.Baseline, s.DataQuality = &mlops.Baseline{URI: b.file("b.csv", text)}, &tt.limits
			})
			r := b.check(tt.want)
			f := figure(t, r, "data_quality", tt.feature, tt.statistic)
			if *f.Value != tt.value || f.Violated != (tt.want == mlops.MonitorViolated) {
				t.Errorf("%+v has the value %g, want %g", f, *f.Value, tt.value)
			}
		})
	}
}

// TestMissingAsEver: a feature that lacks some values in the baseline too may lack
// as many as chance gives, and no more.
func TestMissingAsEver(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		share int // of a hundred live rows
		want  mlops.MonitorState
	}{
		{"as many", 5, mlops.MonitorOK},
		{"a few more", 7, mlops.MonitorOK},
		{"fewer", 0, mlops.MonitorOK},
		{"many more", 30, mlops.MonitorViolated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			text := "age,income\n" + lines(1000, func(i int) string {
				if i%20 == 0 { // five of a hundred
					return fmt.Sprintf("%d,\n", i%10)
				}
				return fmt.Sprintf("%d,%d\n", i%10, i%7)
			})
			b.write(gateway.CaptureFile, lines(100, func(i int) string {
				income := strconv.Itoa(i % 7)
				if i < tt.share {
					income = "null"
				}
				return line("r", time.Now().Add(-time.Second), 200, fmt.Sprintf(`{"instances":[[%d,%s]]}`, i%10, income), `{}`)
			}))
			b.watch(func(s *mlops.MonitorSpec) {
				s.Baseline, s.DataQuality = &mlops.Baseline{URI: b.file("b.csv", text)}, &mlops.DataQualityCheck{}
			})
			r := b.check(tt.want)
			f := figure(t, r, "data_quality", "income", "missing_percent")
			if want := float64(max(0, tt.share-5)); *f.Value != want {
				t.Errorf("%g %% beyond the baseline's, want %g", *f.Value, want)
			}
			if isSaid := strings.Contains(f.Reason, "chance"); isSaid != (tt.share == 7) {
				t.Errorf("reason %q", f.Reason)
			}
		})
	}
}

// TestManyUnknownNames: a client with names made of values fills no report.
func TestManyUnknownNames(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write(gateway.CaptureFile, lines(200, func(i int) string {
		return line("r", time.Now().Add(-time.Second), 200, fmt.Sprintf(`{"instances":[{"age":40,"colour":"red","n%d":1}]}`, i), `{}`)
	}))
	b.watch(func(s *mlops.MonitorSpec) {
		s.Baseline, s.DataQuality = b.based(people(seeded(1), 100, 40)), &mlops.DataQualityCheck{}
	})
	const most = 20
	unknown := 0
	for _, f := range b.check(mlops.MonitorOK).Checks["data_quality"].Features {
		if f.Statistic == "unknown_percent" {
			unknown++
		}
	}
	if unknown != most {
		t.Errorf("%d unknown names in the report, want %d", unknown, most)
	}
}
