package drift

import (
	"encoding/json"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What would be a division by zero, or a surprise, somewhere else.
func TestStrangeColumns(t *testing.T) {
	t.Parallel()
	nan, inf := math.NaN(), math.Inf(1)
	some := normal(seeded(1), 1000, 0, 1)
	greatest := slices.Repeat([]float64{math.MaxFloat64, -math.MaxFloat64, math.MaxFloat64 / 2, 1, 0, -1}, 20)
	tests := []struct {
		name      string
		base, now []float64
		drifted   bool
		reason    string // for which it is not judged
	}{
		{"constant, and still", repeat(5, 100), repeat(5, 100), false, ""},
		{"constant, and another", repeat(5, 100), repeat(6, 100), true, ""},
		{"empty baseline", nil, some, false, "the baseline has no rows"},
		{"baseline of nulls", repeat(nan, 100), some, false, "the baseline has no values"},
		{"empty window", some, nil, false, "no rows"},
		{"window of nulls", some, repeat(nan, 100), false, "missing"},
		{"one row each", []float64{1}, []float64{2}, false, "too few"},
		{"one row against many", some, []float64{100}, false, "too few"},
		{"many against one row", []float64{100}, some, false, "too few"},
		{"infinite values", append([]float64{inf, -inf}, some...), append([]float64{inf, -inf}, some...), false, ""},
		{"nothing but infinity", repeat(inf, 100), repeat(inf, 100), false, ""},
		{"minus zero is zero", repeat(0, 100), repeat(math.Copysign(0, -1), 100), false, ""},
		{"nulls among values", append(repeat(nan, 500), some...), append(repeat(nan, 500), some...), false, ""},
		{"as great as numbers are", greatest, greatest, false, ""},
		{"denormal", normal(seeded(1), 100, 0, 1e-310), normal(seeded(2), 100, 0, 1e-310), false, ""},
	}
	for _, tt := range tests {
		for _, statistic := range []string{PSI, KS, JS, Wasserstein, ChiSquare} {
			t.Run(tt.name+"/"+statistic, func(t *testing.T) {
				t.Parallel()
				p := numbers(tt.base)
				r := against(t, p, Options{Statistic: statistic}, tt.now...)
				if finite(r.Value) != r.Value || math.IsNaN(r.PValue) {
					t.Errorf("value %g, p %g", r.Value, r.PValue)
				}
				if r.Judged != (tt.reason == "") || r.Drifted != tt.drifted {
					t.Errorf("judged %t, drifted %t: %+v", r.Judged, r.Drifted, r)
				}
				if !strings.Contains(r.Reason, tt.reason) {
					t.Errorf("reason %q, want one with %q", r.Reason, tt.reason)
				}
				if _, err := json.Marshal(p); err != nil {
					t.Errorf("the profile has no JSON form: %v", err)
				}
			})
		}
	}
}

// What a window has that its baseline does not know is refused with the reason.
func TestMisfits(t *testing.T) {
	t.Parallel()
	c := NewCollector([]Column{{"n", Numeric}, {"c", Categorical}, {"id", Categorical}})
	c.Numbers(0, normal(seeded(1), 100, 0, 1))
	c.Texts(1, words(seeded(2), 100), nil)
	c.Texts(2, identifiers(seeded(5), 100), nil)
	p := c.Profile()
	fill := func(w *Window) { w.Numbers(0, repeat(0, 100)); w.Texts(1, words(seeded(3), 100), nil) }
	tests := []struct {
		name   string
		read   func(w *Window)
		o      Options
		column string
		reason string
	}{
		{"text for numbers", func(w *Window) { w.Texts(0, words(seeded(3), 9), nil) }, Options{}, "n", "9 values are not numeric"},
		{"numbers for text", func(w *Window) { w.Numbers(1, repeat(1, 9)) }, Options{}, "c", "9 values are not categorical"},
		{"column absent", func(w *Window) { w.Numbers(0, repeat(1, 9)) }, Options{}, "c", "no such column"},
		{"new column", fill, Options{Columns: []string{"new"}}, "new", "the baseline has no such column"},
		{"ks of categories", fill, Options{Statistic: KS}, "c", "ks is for numbers"},
		{"unknown statistic", fill, Options{Statistic: "guess"}, "n", `"guess" is no statistic`},
		{"every row another", func(w *Window) { w.Texts(2, identifiers(seeded(4), 200), nil) }, Options{}, "id", "too seldom alike"},
		{"fewer than asked for", fill, Options{MinRows: 101}, "n", "100 values, 101 are needed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := NewWindow(p)
			tt.read(w)
			for _, r := range w.Compare(tt.o) {
				if r.Name == tt.column && (r.Judged || r.Drifted || !strings.Contains(r.Reason, tt.reason)) {
					t.Errorf("%+v, want it not judged because of %q", r, tt.reason)
				}
			}
		})
	}
}

// A million different texts, a thousand of them very long, take no more memory
// than those that are told apart, and are no distribution.
func TestHugeCardinality(t *testing.T) {
	t.Parallel()
	c := NewCollector([]Column{{"id", Categorical}})
	before := heap()
	for i := range 1_000_000 {
		c.Texts(0, []string{"user-" + strconv.Itoa(i)}, nil)
	}
	long := strings.Repeat("x", 1<<16)
	for i := range 1000 {
		c.Texts(0, []string{strconv.Itoa(i) + long}, nil)
	}
	p := c.Profile()
	if k := p.Columns[0]; len(k.Categories) > topCategories || k.Count != 1_001_000 || k.Distinct <= maxCategories {
		t.Errorf("%d categories, %d distinct of %d", len(k.Categories), k.Distinct, k.Count)
	}
	w := NewWindow(p)
	for i := range 100_000 {
		w.Texts(0, []string{"other-" + strconv.Itoa(i)}, nil)
	}
	if grown := heap() - before; grown > 20<<20 { // other tests run at the same time
		t.Errorf("%d bytes are held", grown)
	}
	if n := len(c.columns[0].categories.counts) + len(w.columns[0].seen.counts); n > maxCategories+newCategories {
		t.Errorf("%d categories are held", n)
	}
	if r := w.Compare(Options{})[0]; r.Judged || !strings.Contains(r.Reason, "category of its own") {
		t.Errorf("%+v", r)
	}
	if q := w.Quality()[0]; q.Unknown != 0 {
		t.Errorf("%d unknown categories of a column that has too many to tell", q.Unknown)
	}
	runtime.KeepAlive(c)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// New categories must not crowd out those of the baseline that come after them.
func TestKnownCategoriesKeepTheirPlace(t *testing.T) {
	t.Parallel()
	w := NewWindow(texts(words(seeded(1), 5000)))
	for i := range 10 * newCategories {
		w.Texts(0, []string{"new-" + strconv.Itoa(i)}, nil)
	}
	w.Texts(0, words(seeded(2), 5000), nil)
	if q := w.Quality()[0]; q.Unknown != 10*newCategories {
		t.Errorf("%d values are unknown, want %d", q.Unknown, 10*newCategories)
	}
	if r := w.Compare(Options{})[0]; !r.Drifted {
		t.Errorf("four of five values are new: %+v", r)
	}
}

// A category is the same before and after its profile was stored.
func TestStrangeCategories(t *testing.T) {
	t.Parallel()
	values := []string{"", " ", "\xff\xfe", "zoë", "\x00", strings.Repeat("é", 300), strings.Repeat("é", 301)}
	var many []string
	for range 20 {
		many = append(many, values...)
	}
	var p Profile
	through(t, texts(many), &p)
	w := NewWindow(&p)
	w.Texts(0, many, nil)
	if q := w.Quality()[0]; q.Unknown != 0 {
		t.Errorf("%d values are unknown to their own baseline", q.Unknown)
	}
	if k := p.Columns[0]; k.Distinct != int64(len(values)) {
		t.Errorf("%d categories, want %d: %v", k.Distinct, len(values), k.Categories)
	}
}

func through(t *testing.T, from, to *Profile) {
	t.Helper()
	b, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, to); err != nil {
		t.Fatal(err)
	}
}

// A profile that cannot be compared with is refused when it is read, not when it
// is too late.
func TestDamagedProfiles(t *testing.T) {
	t.Parallel()
	numeric, categorical := numbers([]float64{1, 2, 3}), texts([]string{"a", "b", "a"})
	tests := []struct {
		name   string
		of     *Profile
		damage func(p *Profile)
		want   string
	}{
		{"untouched", numeric, func(*Profile) {}, ""},
		{"another version", numeric, func(p *Profile) { p.Version++ }, "version 2"},
		{"an edge is missing", numeric, func(p *Profile) { p.Columns[0].Edges = p.Columns[0].Edges[1:] }, `damaged: column "x"`},
		{"edges out of order", numeric, func(p *Profile) { p.Columns[0].Edges[0] = 9 }, "damaged"},
		{"counts do not add up", numeric, func(p *Profile) { p.Columns[0].Mass[0]++ }, "damaged"},
		{"no bins", numeric, func(p *Profile) { p.Columns[0].Edges, p.Columns[0].Mass = nil, nil }, "damaged"},
		{"unknown kind", numeric, func(p *Profile) { p.Columns[0].Kind = "image" }, "damaged"},
		{"categories do not add up", categorical, func(p *Profile) { p.Columns[0].Count++ }, "damaged"},
		{"buckets are missing", categorical, func(p *Profile) { p.Columns[0].Buckets = []int64{3} }, "damaged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var p, back Profile
			through(t, tt.of, &p)
			tt.damage(&p)
			b, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := json.Unmarshal(b, &back); err != nil {
				got = err.Error()
			}
			if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want one with %q", got, tt.want)
			}
		})
	}
}

// Parts that are read apart and merged give what reading the whole gives.
func TestMerge(t *testing.T) {
	t.Parallel()
	of := table(shapes())
	whole := of.profile(seeded(7), 100)
	parts := []*Window{NewWindow(whole), NewWindow(whole), NewWindow(whole)}
	for i, w := range parts[:2] {
		of.read(seeded(uint64(i)), 700, w)
		of.read(seeded(uint64(i)), 700, parts[2])
	}
	if err := parts[0].Merge(parts[1]); err != nil {
		t.Fatal(err)
	}
	for _, statistic := range Statistics() {
		o := Options{Statistic: statistic}
		if diff := cmp.Diff(parts[2].Compare(o), parts[0].Compare(o)); diff != "" {
			t.Errorf("%s of the whole and of the merged parts (-want +got):\n%s", statistic, diff)
		}
	}
	if err := parts[0].Merge(NewWindow(numbers([]float64{1}))); err == nil {
		t.Error("windows of other columns were merged")
	}
}

func TestMergeCollectors(t *testing.T) {
	t.Parallel()
	values := append(normal(seeded(1), 3*SampleSize, 0, 1), normal(seeded(2), SampleSize, 10, 1)...)
	column := []Column{{"x", Numeric}}
	a, b := NewCollector(column), NewCollector(column)
	a.Numbers(0, values[:3*SampleSize])
	b.Numbers(0, values[3*SampleSize:])
	if err := a.Merge(b); err != nil {
		t.Fatal(err)
	}
	want, got := numbers(values).Columns[0], a.Profile().Columns[0]
	if got.Count != want.Count || got.Min != want.Min || got.Max != want.Max || got.Sampled != SampleSize {
		t.Errorf("got %d values from %g to %g, want %d from %g to %g", got.Count, got.Min, got.Max, want.Count, want.Min, want.Max)
	}
	if math.Abs(got.Mean-want.Mean) > 1e-9 || math.Abs(got.Std-want.Std) > 1e-9 {
		t.Errorf("mean %g and deviation %g, want %g and %g", got.Mean, got.Std, want.Mean, want.Std)
	}
	if r := against(t, a.Profile(), Options{Statistic: KS}, values...); r.Value > 0.01 {
		t.Errorf("the merged sample is %g from what it stands for", r.Value)
	}
	if err := a.Merge(NewCollector([]Column{{"y", Numeric}})); err == nil {
		t.Error("collectors of other columns were merged")
	}
}

func repeat(v float64, n int) []float64 {
	return drawn(n, func() float64 { return v })
}
