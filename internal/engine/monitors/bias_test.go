package monitors

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// groupsOf captures rows of groups with their shares of favourable predictions.
func (b *bench) groupsOf(form string, rows map[string][2]int) {
	b.t.Helper()
	for group, n := range rows {
		b.write(gateway.CaptureFile, lines(n[0], func(i int) string {
			said := 0
			if i < n[1] {
				said = 1
			}
			return line("r", time.Now().Add(-time.Second), 200, fmt.Sprintf(form, group), fmt.Sprintf(`{"predictions":[%d]}`, said))
		}))
	}
}

func TestBias(t *testing.T) {
	t.Parallel()
	const named, placed = `{"instances":[{"colour":%q,"age":40}]}`, `{"instances":[[40,%q]]}`
	tests := []struct {
		name      string
		form      string
		rows      map[string][2]int // by group: rows, and favourable ones
		statistic string
		threshold float64
		want      mlops.MonitorState
		value     float64
		words     string
	}{
		{"equal", named, map[string][2]int{"red": {100, 30}, "blue": {50, 15}}, "demographic_parity_difference", 0.1, mlops.MonitorOK, 0, ""},
		{"apart", placed, map[string][2]int{"red": {100, 60}, "blue": {50, 15}}, "demographic_parity_difference", 0.1, mlops.MonitorViolated, 0.3, "0.3, threshold 0.1"},
		{"four fifths kept", named, map[string][2]int{"red": {100, 50}, "blue": {50, 20}}, "disparate_impact", 0.8, mlops.MonitorOK, 0.8, ""},
		{"four fifths broken", named, map[string][2]int{"red": {100, 50}, "blue": {50, 15}}, "disparate_impact", 0.8, mlops.MonitorViolated, 0.6, ""},
		{"nobody is favoured", named, map[string][2]int{"red": {100, 0}, "blue": {50, 0}}, "disparate_impact", 0.8, mlops.MonitorOK, 1, ""},
		{"one group", named, map[string][2]int{"red": {150, 50}}, "disparate_impact", 0.8, mlops.MonitorNoData, 0, "not two groups"},
		{"a group too small is not judged", named, map[string][2]int{"red": {100, 50}, "blue": {100, 50}, "green": {9, 0}}, "demographic_parity_difference", 0.1, mlops.MonitorOK, 0, ""},
	}
	for _, tt := range tests {
		for _, based := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, baseline %t", tt.name, based), func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				b.groupsOf(tt.form, tt.rows)
				b.watch(func(s *mlops.MonitorSpec) {
					s.Bias = &mlops.BiasCheck{Group: "colour", Statistic: tt.statistic, Threshold: tt.threshold}
					if based {
						s.Baseline = b.based(people(seeded(1), 100, 40))
					}
				})
				if !based && tt.form == placed { // nothing says which value is the group
					b.check(mlops.MonitorNoData)
					return
				}
				r := b.check(tt.want)
				if !strings.Contains(r.Reason, tt.words) {
					t.Errorf("reason %q", r.Reason)
				}
				if tt.want == mlops.MonitorNoData {
					return
				}
				if got := *figure(t, r, "bias", "colour", tt.statistic).Value; math.Abs(got-tt.value) > 1e-12 {
					t.Errorf("%v, want %v", got, tt.value)
				}
			})
		}
	}
}

// TestTooManyGroups: a column that is no group is said to be none, and does not
// fill the memory.
func TestTooManyGroups(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	rows := map[string][2]int{}
	for i := range 200 {
		rows[fmt.Sprint("id", i)] = [2]int{1, 1}
	}
	b.groupsOf(`{"instances":[{"colour":%q}]}`, rows)
	b.watch(func(s *mlops.MonitorSpec) {
		s.Bias = &mlops.BiasCheck{Group: "colour", Statistic: "disparate_impact", Threshold: 0.8}
	})
	if r := b.check(mlops.MonitorBroken); !strings.Contains(r.Reason, `"colour" has more than 100 groups`) {
		t.Errorf("reason %q", r.Reason)
	}
}
