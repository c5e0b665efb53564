package drift

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// numbers profiles one column of numbers.
func numbers(values []float64) *Profile {
	c := NewCollector([]Column{{"x", Numeric}})
	c.Numbers(0, values)
	c.Rows(len(values))
	return c.Profile()
}

func texts(values []string) *Profile {
	c := NewCollector([]Column{{"x", Categorical}})
	c.Texts(0, values, nil)
	c.Rows(len(values))
	return c.Profile()
}

// against compares values with a profile of one column.
func against(t *testing.T, p *Profile, o Options, values ...float64) Result {
	t.Helper()
	w := NewWindow(p)
	w.Numbers(0, values)
	return w.Compare(o)[0]
}

func normal(r *rand.Rand, n int, mean, std float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = mean + std*r.NormFloat64()
	}
	return out
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// Values that can be computed by hand.
func TestByHand(t *testing.T) {
	t.Parallel()
	base, now := []float64{50, 50}, []float64{25, 75}
	got := jensenShannon(base, now)
	// Half of 0.5·ln(0.5/0.375)+0.5·ln(0.5/0.625) and of 0.25·ln(0.25/0.375)+0.75·ln(0.75/0.625), to base 2.
	if want := 0.22073; math.Abs(got-want) > 1e-3 {
		t.Errorf("js %g, want %g", got, want)
	}
	got, p := chiSquare(base, now), homogeneity(base, now)
	// 200 rows, expected 37.5 and 62.5 in each: 2·12.5²/37.5 + 2·12.5²/62.5.
	if math.Abs(got-13.3333) > 1e-3 || math.Abs(p-0.000261) > 1e-5 {
		t.Errorf("chi-square %g, p %g", got, p)
	}
	r := against(t, numbers([]float64{1, 2, 3, 4}), Options{Statistic: KS}, 3, 4, 5, 6)
	if math.Abs(r.Value-0.5) > 1e-12 {
		t.Errorf("ks %g, want 0.5", r.Value)
	}
	r = against(t, numbers([]float64{0, 1, 3}), Options{Statistic: Wasserstein}, 5, 6, 8)
	if want := 5 / numbers([]float64{0, 1, 3}).Columns[0].Std; math.Abs(r.Value-want) > 1e-9 {
		t.Errorf("wasserstein %g, want %g", r.Value, want)
	}
	if got, want := kolmogorov(1.36), 0.0495; math.Abs(got-want) > 1e-4 { // of the published table
		t.Errorf("kolmogorov(1.36) = %g, want %g", got, want)
	}
}

// What would be a division by zero, or a surprise, somewhere else.
func TestStrangeColumns(t *testing.T) {
	t.Parallel()
	nan, inf := math.NaN(), math.Inf(1)
	some := normal(seeded(1), 1000, 0, 1)
	tests := []struct {
		name      string
		base, now []float64
		judged    bool
		drifted   bool
		reason    string
	}{
		{"constant, and still", repeat(5, 100), repeat(5, 100), true, false, ""},
		{"constant, and another", repeat(5, 100), repeat(6, 100), true, true, ""},
		{"empty baseline", nil, some, false, false, "no rows"},
		{"baseline of nulls", repeat(nan, 100), some, false, false, "no values"},
		{"empty window", some, nil, false, false, "0 values"},
		{"window of nulls", some, repeat(nan, 100), false, false, "missing"},
		{"one row each", []float64{1}, []float64{2}, true, false, ""},
		{"one row against many", some, []float64{100}, true, false, "too few"},
		{"infinite values", append([]float64{inf, -inf}, some...), append([]float64{inf, -inf}, some...), true, false, ""},
		{"minus zero is zero", repeat(0, 100), repeat(math.Copysign(0, -1), 100), true, false, ""},
		{"nulls among values", append(repeat(nan, 500), some...), append(repeat(nan, 500), some...), true, false, ""},
	}
	for _, tt := range tests {
		for _, statistic := range []string{PSI, KS, JS, Wasserstein, ChiSquare} {
			t.Run(tt.name+"/"+statistic, func(t *testing.T) {
				t.Parallel()
				p := numbers(tt.base)
				r := against(t, p, Options{Statistic: statistic}, tt.now...)
				if math.IsNaN(r.Value) || math.IsInf(r.Value, 0) || math.IsNaN(r.PValue) {
					t.Errorf("value %g, p %g", r.Value, r.PValue)
				}
				if r.Judged != tt.judged || r.Drifted != tt.drifted {
					t.Errorf("judged %t, drifted %t: %+v", r.Judged, r.Drifted, r)
				}
				if !tt.judged && !strings.Contains(r.Reason, tt.reason) {
					t.Errorf("reason %q, want one with %q", r.Reason, tt.reason)
				}
				if _, err := json.Marshal(p); err != nil {
					t.Errorf("the profile has no JSON form: %v", err)
				}
			})
		}
	}
}

func repeat(v float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func TestNullRate(t *testing.T) {
	t.Parallel()
	base := append(repeat(math.NaN(), 10), repeat(1, 990)...)
	for _, tt := range []struct {
		nulls   int
		drifted bool
	}{{10, false}, {30, false}, {200, true}, {1000, true}} {
		r := against(t, numbers(base), Options{Statistic: NullRate}, append(repeat(math.NaN(), tt.nulls), repeat(1, 1000-tt.nulls)...)...)
		if want := math.Abs(0.01 - float64(tt.nulls)/1000); r.Drifted != tt.drifted || math.Abs(r.Value-want) > 1e-12 {
			t.Errorf("%d nulls: %+v, want drifted %t and %g", tt.nulls, r, tt.drifted, want)
		}
	}
}

func TestCategories(t *testing.T) {
	t.Parallel()
	p := texts(strings.Split(strings.Repeat("a a a b b c ", 200), " "))
	for _, tt := range []struct {
		name    string
		now     string
		drifted bool
	}{
		{"same", "a a a b b c ", false},
		{"shifted", "a b c c c c ", true},
		{"a new one", "a a b b d d ", true},
	} {
		w := NewWindow(p)
		w.Texts(0, strings.Fields(strings.Repeat(tt.now, 200)), nil)
		for _, statistic := range []string{"", PSI, JS, ChiSquare} {
			if r := w.Compare(Options{Statistic: statistic})[0]; r.Drifted != tt.drifted {
				t.Errorf("%s by %q: %+v", tt.name, statistic, r)
			}
		}
		if r := w.Compare(Options{Statistic: KS})[0]; r.Judged || !strings.Contains(r.Reason, "categories") {
			t.Errorf("ks of categories: %+v", r)
		}
	}
}

// A million different texts are no distribution, and take no more memory than
// ten thousand.
func TestHugeCardinality(t *testing.T) {
	t.Parallel()
	c := NewCollector([]Column{{"id", Categorical}})
	for i := range 1_000_000 {
		c.Texts(0, []string{"user-" + strconv.Itoa(i)}, nil)
	}
	p := c.Profile()
	if k := p.Columns[0]; len(k.Categories) > topCategories || k.Count != 1_000_000 || k.Distinct <= maxCategories {
		t.Errorf("%d categories, %d distinct of %d", len(k.Categories), k.Distinct, k.Count)
	}
	w := NewWindow(p)
	for i := range 1000 {
		w.Texts(0, []string{"other-" + strconv.Itoa(i)}, nil)
	}
	if r := w.Compare(Options{})[0]; r.Judged || !strings.Contains(r.Reason, "category of its own") {
		t.Errorf("%+v", r)
	}
	if q := w.Quality()[0]; q.Unknown != 0 {
		t.Errorf("%d unknown categories of a column that has too many to tell", q.Unknown)
	}
}

func TestQuality(t *testing.T) {
	t.Parallel()
	c := NewCollector([]Column{{"n", Numeric}, {"c", Categorical}})
	c.Numbers(0, []float64{1, 2, 3, math.NaN()})
	c.Texts(1, []string{"a", "b", "a", ""}, []bool{false, false, false, true})
	w := NewWindow(c.Profile())
	w.Numbers(0, []float64{0, 1, 3, 3.5, math.NaN()})
	w.Texts(1, []string{"a", "z", "", "", "b"}, []bool{false, false, true, true, false})
	got := w.Quality()
	if q := got[0]; q.Rows != 5 || q.Missing != 1 || q.OutOfRange != 2 || q.BaseNulls != 0.25 {
		t.Errorf("numbers: %+v", q)
	}
	if q := got[1]; q.Rows != 5 || q.Missing != 2 || q.Unknown != 1 {
		t.Errorf("categories: %+v", q)
	}
}

// A profile that went through JSON judges as before.
func TestProfileSurvivesJSON(t *testing.T) {
	t.Parallel()
	p := numbers(normal(seeded(3), 5000, 10, 2))
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 64<<10 {
		t.Errorf("a profile of one column has %d bytes", len(b))
	}
	var back Profile
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	now := normal(seeded(4), 1000, 11, 2)
	if x, y := against(t, p, Options{}, now...), against(t, &back, Options{}, now...); x != y {
		t.Errorf("%+v after JSON, before it was %+v", y, x)
	}
}

// The bins' error is what the docs state: at most the mass of one of them.
func TestBinningError(t *testing.T) {
	t.Parallel()
	r := seeded(5)
	base, now := normal(r, 20_000, 0, 1), normal(r, 5_000, 0.3, 1.2)
	got := against(t, numbers(base), Options{Statistic: KS}, now...).Value
	if want := exactKS(base, now); math.Abs(got-want) > 1.0/fineBins {
		t.Errorf("ks %g, exactly %g", got, want)
	}
}

func exactKS(x, y []float64) float64 {
	greatest := 0.0
	cdf := func(values []float64, at float64) float64 {
		n := 0
		for _, v := range values {
			if v <= at {
				n++
			}
		}
		return float64(n) / float64(len(values))
	}
	for _, v := range y[:1000] {
		greatest = max(greatest, math.Abs(cdf(x, v)-cdf(y, v)))
	}
	return greatest
}

// TestFalseAlarms holds the package to what it states: unchanged data are
// reported as drifted in at most Alpha of the checks, whatever the window.
func TestFalseAlarms(t *testing.T) {
	t.Parallel()
	const checks = 200
	for _, rows := range []int{200, 1000, 10_000} {
		for _, features := range []int{10, 50} {
			t.Run(fmt.Sprintf("%d rows of %d features", rows, features), func(t *testing.T) {
				t.Parallel()
				alarms := map[string]int{}
				p := profileOf(seeded(7), 5000, features)
				for i := range checks {
					w := unchanged(seeded(uint64(100+i)), p, rows)
					for _, statistic := range []string{PSI, JS, ChiSquare, KS, Wasserstein, NullRate} {
						if anyDrifted(w.Compare(Options{Statistic: statistic})) {
							alarms[statistic]++
						}
					}
				}
				// Alpha of 200 is 2; chance gives more than 8 once in ten thousand.
				for statistic, n := range alarms {
					if n > 8 {
						t.Errorf("%s: %d of %d checks of unchanged data are alarms", statistic, n, checks)
					}
				}
			})
		}
	}
}

// profileOf profiles columns of several shapes, numbers and categories in turn.
func profileOf(r *rand.Rand, rows, features int) *Profile {
	var columns []Column
	for i := range features {
		kind := Numeric
		if i%3 == 2 {
			kind = Categorical
		}
		columns = append(columns, Column{fmt.Sprint("f", i), kind})
	}
	c := NewCollector(columns)
	for i := range columns {
		if columns[i].Kind == Numeric {
			c.Numbers(i, shape(r, i, rows))
			continue
		}
		c.Texts(i, words(r, rows), nil)
	}
	c.Rows(rows)
	return c.Profile()
}

func unchanged(r *rand.Rand, p *Profile, rows int) *Window {
	w := NewWindow(p)
	for i := range p.Columns {
		if p.Columns[i].Kind == Numeric {
			w.Numbers(i, shape(r, i, rows))
			continue
		}
		w.Texts(i, words(r, rows), nil)
	}
	return w
}

// shape draws from a normal, an exponential or a few-valued distribution, with
// some nulls.
func shape(r *rand.Rand, i, n int) []float64 {
	out := make([]float64, n)
	for j := range out {
		switch {
		case r.IntN(50) == 0:
			out[j] = math.NaN()
		case i%3 == 0:
			out[j] = r.NormFloat64()
		case i%4 == 0:
			out[j] = float64(r.IntN(5))
		default:
			out[j] = r.ExpFloat64()
		}
	}
	return out
}

func words(r *rand.Rand, n int) []string {
	out := make([]string, n)
	for j := range out {
		out[j] = string(rune('a' + min(r.IntN(8), r.IntN(8))))
	}
	return out
}

func anyDrifted(results []Result) bool {
	for _, r := range results {
		if r.Drifted {
			return true
		}
	}
	return false
}

// TestDetection states how large a window must be to notice a shift by half a
// standard deviation nine times of ten.
func TestDetection(t *testing.T) {
	t.Parallel()
	p := numbers(normal(seeded(11), 5000, 0, 1))
	for _, tt := range []struct {
		statistic string
		rows      int
	}{{PSI, 1000}, {KS, 100}, {Wasserstein, 100}, {JS, 200}, {ChiSquare, 200}} {
		noticed := 0
		for i := range 100 {
			if against(t, p, Options{Statistic: tt.statistic}, normal(seeded(uint64(1000+i)), tt.rows, 0.5, 1)...).Drifted {
				noticed++
			}
		}
		t.Logf("%s: %d of 100 windows of %d rows", tt.statistic, noticed, tt.rows)
		if noticed < 90 {
			t.Errorf("%s notices a shift of half a deviation in %d of 100 windows of %d rows", tt.statistic, noticed, tt.rows)
		}
	}
}
