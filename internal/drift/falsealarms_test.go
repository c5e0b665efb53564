package drift

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// shape is a kind of data that services really have. One of the two draws n rows.
type shape struct {
	name    string
	numbers func(r *rand.Rand, n int) []float64
	texts   func(r *rand.Rand, n int) []string
}

func shapes() []shape {
	return []shape{
		{name: "normal", numbers: func(r *rand.Rand, n int) []float64 { return normal(r, n, 0, 1) }},
		{name: "heavy tail", numbers: func(r *rand.Rand, n int) []float64 {
			return drawn(n, func() float64 { return math.Exp(2 * r.NormFloat64()) })
		}},
		{name: "few values", numbers: func(r *rand.Rand, n int) []float64 {
			return drawn(n, func() float64 { return float64(r.IntN(5)) })
		}},
		{name: "mostly zero, some null", numbers: func(r *rand.Rand, n int) []float64 {
			return drawn(n, func() float64 {
				switch r.IntN(10) {
				case 0:
					return math.NaN()
				case 1, 2:
					return r.ExpFloat64()
				}
				return 0
			})
		}},
		{name: "rarely null", numbers: func(r *rand.Rand, n int) []float64 {
			return drawn(n, func() float64 {
				if r.IntN(500) == 0 {
					return math.NaN()
				}
				return r.Float64()
			})
		}},
		{name: "eight words", texts: words},
		{name: "yes, seldom", texts: func(r *rand.Rand, n int) []string {
			return drawn(n, func() string { return strconv.FormatBool(r.IntN(40) == 0) })
		}},
		{name: "300 alike", texts: func(r *rand.Rand, n int) []string {
			return drawn(n, func() string { return strconv.Itoa(r.IntN(300)) })
		}},
		{name: "5000 alike", texts: func(r *rand.Rand, n int) []string {
			return drawn(n, func() string { return strconv.Itoa(r.IntN(5000)) })
		}},
		{name: "long tail", texts: func(r *rand.Rand, n int) []string {
			tail := rand.NewZipf(r, 1.3, 1, 9999)
			return drawn(n, func() string { return strconv.FormatUint(tail.Uint64(), 10) })
		}},
		{name: "identifiers", texts: identifiers},
	}
}

func identifiers(r *rand.Rand, n int) []string {
	return drawn(n, func() string { return strconv.FormatUint(r.Uint64(), 16) })
}

func drawn[T any](n int, draw func() T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = draw()
	}
	return out
}

// table has a column of each shape, in turn.
type table []shape

func tableOf(features int) table {
	out := make(table, features)
	for i := range out {
		out[i] = shapes()[i%len(shapes())]
	}
	return out
}

func (t table) read(r *rand.Rand, rows int, into interface {
	Numbers(column int, values []float64)
	Texts(column int, values []string, missing []bool)
},
) {
	for i, s := range t {
		if s.numbers != nil {
			into.Numbers(i, s.numbers(r, rows))
		} else {
			into.Texts(i, s.texts(r, rows), nil)
		}
	}
}

func (t table) profile(r *rand.Rand, rows int) *Profile {
	var columns []Column
	for i, s := range t {
		kind := Categorical
		if s.numbers != nil {
			kind = Numeric
		}
		columns = append(columns, Column{fmt.Sprint("f", i), kind})
	}
	c := NewCollector(columns)
	t.read(r, rows, c)
	c.Rows(rows)
	return c.Profile()
}

// TestFalseAlarms holds the package to what it states: unchanged data are
// reported as drifted in at most Alpha of the checks, whatever the window, the
// number of features and the threshold; here there is none.
func TestFalseAlarms(t *testing.T) {
	t.Parallel()
	none := 0.0
	for _, tt := range []struct{ features, baseline, window, checks, most int }{
		// Alpha of 200 is 2: chance gives more than 8 once in ten thousand times. Of
		// 100, and of 50, that are 6 and 4.
		{10, 400, 200, 200, 8},
		{10, 5000, 200, 200, 8},
		{10, 5000, 1000, 200, 8},
		{10, 5000, 10_000, 50, 4},
		{50, 5000, 200, 100, 6},
		{50, 5000, 1000, 100, 6},
		{50, 5000, 10_000, 50, 4},
	} {
		t.Run(fmt.Sprintf("%d features of %d rows against %d", tt.features, tt.window, tt.baseline), func(t *testing.T) {
			t.Parallel()
			alarms := map[string]int{}
			of := tableOf(tt.features)
			var p *Profile
			for i := range tt.checks {
				r := seeded(uint64(100 + i))
				if i%5 == 0 { // as a monitor does: several checks of a baseline
					p = of.profile(r, tt.baseline)
				}
				w := NewWindow(p)
				of.read(r, tt.window, w)
				for _, statistic := range Statistics() {
					if anyDrifted(w.Compare(Options{Statistic: statistic, Threshold: &none})) {
						alarms[statistic]++
					}
				}
			}
			t.Logf("alarms in %d checks: %v", tt.checks, alarms)
			for statistic, n := range alarms {
				if n > tt.most {
					t.Errorf("%s: %d of %d checks of unchanged data are alarms", statistic, n, tt.checks)
				}
			}
		})
	}
}

// TestDefaultThresholds counts alarms of a monitor as it is set up by default:
// thresholds leave fewer.
func TestDefaultThresholds(t *testing.T) {
	t.Parallel()
	of := tableOf(22)
	p := of.profile(seeded(1), 5000)
	const checks, most = 1000, 5 // half of Alpha
	alarms := 0
	for i := range checks {
		w := NewWindow(p)
		of.read(seeded(uint64(1000+i)), 200, w)
		if anyDrifted(w.Compare(Options{})) {
			alarms++
		}
	}
	t.Logf("alarms in %d checks: %d", checks, alarms)
	if alarms > most {
		t.Errorf("%d of %d checks of unchanged data are alarms", alarms, checks)
	}
}

// TestSignificanceFarOut looks where a check of fifty features does: at chances
// of one in five thousand, of groups with hardly any rows.
func TestSignificanceFarOut(t *testing.T) {
	t.Parallel()
	const tables, far = 100_000, Alpha / 50
	for _, tt := range []struct {
		name   string
		shares []float64
	}{
		{"one of forty", []float64{0.025, 0.975}},
		{"one of twenty-five", []float64{0.04, 0.96}},
		{"many small", []float64{0.03, 0.03, 0.03, 0.03, 0.03, 0.85}},
		{"even", slices.Repeat([]float64{0.1}, groups)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := seeded(9)
			base := make([]float64, len(tt.shares))
			for i, share := range tt.shares {
				base[i] = 1e6 * share
			}
			alarms := 0
			for range tables {
				if homogeneity(pooled(base, multinomial(r, tt.shares, 200))) < far {
					alarms++
				}
			}
			if most := 38; alarms > most { // 20 are expected; 38 are exceeded once in ten thousand times
				t.Errorf("%d of %d tables are significant, want at most %g", alarms, tables, tables*far)
			}
		})
	}
}

func multinomial(r *rand.Rand, shares []float64, n int) []float64 {
	out := make([]float64, len(shares))
	for range n {
		at, u := 0, r.Float64()-shares[0]
		for u >= 0 && at < len(shares)-1 {
			at++
			u -= shares[at]
		}
		out[at]++
	}
	return out
}

func anyDrifted(results []Result) bool {
	return slices.ContainsFunc(results, func(r Result) bool { return r.Drifted })
}
