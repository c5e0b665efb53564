package drift

import (
	"math"
	"slices"
	"sort"
	"testing"
)

// The bins found are those of a binary search, whatever the edges.
func TestFinder(t *testing.T) {
	t.Parallel()
	r := seeded(31)
	huge := normal(r, 500, 0, math.MaxFloat64/4)
	heavy := exponential(r, 2000, 1)
	for i := range heavy {
		heavy[i] = math.Exp(10 * heavy[i])
	}
	tests := []struct {
		name  string
		edges []float64
	}{
		{"none", nil},
		{"few", []float64{1, 2, 3}},
		{"normal", normal(r, 2000, 5, 2)},
		{"heavy tail", heavy},
		{"as great as numbers are", huge},
		{"as small as numbers are", normal(r, 500, 0, 1e-310)},
		{"two clusters", append(normal(r, 500, -1e9, 1), normal(r, 500, 1e9, 1e-3)...)},
		{"one that is common", append(repeat(0, 900), normal(r, 100, 0, 1)...)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			slices.Sort(tt.edges)
			edges := slices.Compact(tt.edges)
			f := newFinder(edges)
			values := []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64}
			for _, e := range edges {
				values = append(values, e, math.Nextafter(e, math.Inf(1)), math.Nextafter(e, math.Inf(-1)), e*1.001)
			}
			for _, v := range values {
				if got, want := f.find(v), sort.SearchFloat64s(edges, v); got != want {
					t.Fatalf("%g is in bin %d, want %d", v, got, want)
				}
			}
		})
	}
}
