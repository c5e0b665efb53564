package drift

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
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

// Values that can be computed by hand, or looked up.
func TestByHand(t *testing.T) {
	t.Parallel()
	base, now := []float64{50, 50}, []float64{25, 75}
	std := math.Sqrt(7.0 / 3) // of 0, 1 and 3
	tests := []struct {
		name            string
		got, want, near float64
	}{
		// (0.25-0.5)·ln 0.5 + (0.75-0.5)·ln 1.5; of so many rows that none counts.
		{"psi", psi([]float64{5e9, 5e9}, []float64{2.5e9, 7.5e9}), 0.274653, 1e-6},
		// Half of 0.5·ln(0.5/0.375)+0.5·ln(0.5/0.625) and of 0.25·ln(0.25/0.375)+0.75·ln(0.75/0.625), to base 2.
		{"js", jensenShannon(base, now), 0.220896, 1e-6},
		{"js of what has nothing in common", jensenShannon([]float64{5, 0}, []float64{0, 7}), 1, 1e-12},
		// 200 rows, expected 37.5 and 62.5 in each: 2·12.5²/37.5 + 2·12.5²/62.5.
		{"chi-square", chiSquare(base, now), 40.0 / 3, 1e-9},
		{"ks", against(t, numbers([]float64{1, 2, 3, 4}), Options{Statistic: KS}, 3, 4, 5, 6).Value, 0.5, 1e-12},
		{"wasserstein", against(t, numbers([]float64{0, 1, 3}), Options{Statistic: Wasserstein}, 5, 6, 8).Value, 5 / std, 1e-9},
		{"distance that does not cross zero", meanDistance(0.1, 0.3), 0.2, 1e-12},
		{"distance that crosses zero", meanDistance(-0.1, 0.3), (0.1*0.1 + 0.3*0.3) / 0.8, 1e-12}, // two triangles
		{"a rare null", fisher(1, 200, 11, 1_000_200), 1 - math.Pow(1-200/1_000_200.0, 11), 1e-6},
		// The limits at 5 % and 1 % of tables in print.
		{"kolmogorov at 1.358", kolmogorov(1.358), 0.05, 1e-4},
		{"kolmogorov at 1.628", kolmogorov(1.628), 0.01, 1e-4},
		{"chi-square, 9 degrees, at 16.919", survival(16.919, 9), 0.05, 1e-5},
		// The lady who tasted tea: three of four cups right.
		{"fisher", fisher(3, 4, 4, 8), 34.0 / 70, 1e-9},
		{"fisher, all right", fisher(4, 4, 4, 8), 2.0 / 70, 1e-9},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if math.Abs(tt.got-tt.want) > tt.near {
				t.Errorf("got %.9g, want %g", tt.got, tt.want)
			}
		})
	}
}

// The statistics that a configuration may name are those that there are.
func TestStatistics(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(mlops.DriftStatistics(), Statistics()); diff != "" {
		t.Errorf("-configuration +here:\n%s", diff)
	}
}

func TestFits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                 string
		numeric, categorical bool
	}{
		{"", true, true},
		{PSI, true, true},
		{KS, true, false},
		{JS, true, true},
		{Wasserstein, true, false},
		{ChiSquare, true, true},
		{NullRate, true, true},
		{"guess", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if n, c := Fits(tt.name, Numeric), Fits(tt.name, Categorical); n != tt.numeric || c != tt.categorical {
				t.Errorf("fits numbers %t, categories %t; want %t, %t", n, c, tt.numeric, tt.categorical)
			}
		})
	}
}

// Groups with too few rows are taken together, by the rows of both samples.
func TestPooled(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                         string
		base, now, wantBase, wantNow []float64
	}{
		{"enough", []float64{50, 50}, []float64{40, 60}, []float64{50, 50}, []float64{40, 60}},
		{"few together", []float64{90, 3, 4, 3}, []float64{88, 4, 4, 4}, []float64{90, 10}, []float64{88, 12}},
		{"too few even together", []float64{60, 38, 2}, []float64{60, 39, 1}, []float64{60, 40}, []float64{60, 40}},
		{"seen in one only", []float64{90, 1, 0, 9, 0}, []float64{90, 0, 1, 0, 9}, []float64{90, 10}, []float64{90, 10}},
		{"new and common", []float64{100, 0}, []float64{50, 50}, []float64{100, 0}, []float64{50, 50}},
		{"every one another", []float64{1, 1, 1, 0, 0, 0}, []float64{0, 0, 0, 1, 1, 1}, []float64{3}, []float64{3}},
		{"small window", []float64{9000, 1000}, []float64{19, 1}, []float64{10_000}, []float64{20}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base, now := pooled(tt.base, tt.now)
			if diff := cmp.Diff([][]float64{tt.wantBase, tt.wantNow}, [][]float64{base, now}); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
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

func words(r *rand.Rand, n int) []string {
	out := make([]string, n)
	for j := range out {
		out[j] = string(rune('a' + min(r.IntN(8), r.IntN(8))))
	}
	return out
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
