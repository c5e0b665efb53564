package drift

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestBinningError proves the bounds that the docs state, against the statistics
// of the values themselves.
func TestBinningError(t *testing.T) {
	t.Parallel()
	r := seeded(5)
	tests := []struct {
		name      string
		base, now []float64
	}{
		{"shifted", normal(r, 20_000, 0, 1), normal(r, 5_000, 0.3, 1.2)},
		{"narrow, within one bin", normal(r, 20_000, 0, 1), normal(r, 5_000, 0.5, 1e-5)},
		{"far outside", normal(r, 20_000, 0, 1), normal(r, 500, 50, 1)},
		{"heavy tail", exponential(r, 20_000, 1), exponential(r, 5_000, 1.3)},
		{"few values", rounded(normal(r, 20_000, 0, 2)), rounded(normal(r, 3_000, 1, 2))},
		{"small", normal(r, 300, 0, 1), normal(r, 90, 0.4, 1)},
		{"mostly one value", append(repeat(0, 9_000), normal(r, 1_000, 0, 1)...), append(repeat(0, 500), normal(r, 500, 0, 1)...)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := numbers(tt.base)
			w := NewWindow(p)
			w.Numbers(0, tt.now)
			ks, area := exact(tt.base, tt.now)
			got := w.Compare(Options{Statistic: KS})[0].Value
			if got > ks+1e-12 || ks-got > 1.0/fineBins+1.0/float64(len(tt.base)) {
				t.Errorf("ks %g, exactly %g", got, ks)
			}
			std := p.Columns[0].Std
			got = w.Compare(Options{Statistic: Wasserstein})[0].Value * std
			if bound := widthOfBins(w.columns[0]); math.Abs(got-area) > bound+1e-9*area {
				t.Errorf("wasserstein %g, exactly %g: off by more than %g", got, area, bound)
			}
		})
	}
}

// widthOfBins is the mean width of the bins that the values of both samples are
// in.
func widthOfBins(k *watched) float64 {
	width := 0.0
	for i := 1; i < len(k.base.Edges); i++ {
		rows := float64(k.base.Mass[i])/float64(k.base.Sampled) + float64(k.mass[i])/float64(k.count)
		width += (k.base.Edges[i] - k.base.Edges[i-1]) * rows
	}
	return width
}

// exact are the greatest distance of two distributions and the area between them.
func exact(x, y []float64) (greatest, area float64) {
	x, y = slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y))
	var i, j int
	for i < len(x) || j < len(y) {
		at := math.Inf(1)
		if i < len(x) {
			at = x[i]
		}
		if j < len(y) {
			at = min(at, y[j])
		}
		for i < len(x) && x[i] <= at {
			i++
		}
		for j < len(y) && y[j] <= at {
			j++
		}
		next := math.Inf(1)
		if i < len(x) {
			next = x[i]
		}
		if j < len(y) {
			next = min(next, y[j])
		}
		distance := math.Abs(float64(i)/float64(len(x)) - float64(j)/float64(len(y)))
		if greatest = max(greatest, distance); distance > 0 {
			area += distance * (next - at)
		}
	}
	return greatest, area
}

// A baseline that is too large to be kept whole is represented by a sample: the
// distance of the two is what the docs state.
func TestSamplingError(t *testing.T) {
	t.Parallel()
	const most = 0.008
	values := normal(seeded(41), 5*SampleSize, 0, 1)
	p := numbers(values)
	if k := p.Columns[0]; k.Sampled != SampleSize || k.Count != int64(len(values)) {
		t.Fatalf("%d values, %d of them sampled", k.Count, k.Sampled)
	}
	if r := against(t, p, Options{Statistic: KS}, values...); r.Value > most {
		t.Errorf("the baseline is %g from itself, want at most %g", r.Value, most)
	}
}

// TestMemory holds a column to what the docs say that it takes.
func TestMemory(t *testing.T) {
	t.Parallel()
	of := table(shapes())
	c := NewCollector(of.profile(seeded(1), 10).columns())
	of.read(seeded(2), 3*SampleSize, c)
	for i, k := range c.Profile().Columns {
		floats := len(k.Edges) + len(k.Mass) + len(k.Buckets) + 2*len(k.Categories)
		if bytes := 8 * floats; bytes > 64<<10 {
			t.Errorf("%s: %d bytes of a profile", of[i].name, bytes)
		}
		if seen := len(c.columns[i].sample); seen > SampleSize {
			t.Errorf("%s: a sample of %d", of[i].name, seen)
		}
	}
}

func (p *Profile) columns() []Column {
	var out []Column
	for _, c := range p.Columns {
		out = append(out, c.Column)
	}
	return out
}

func exponential(r *rand.Rand, n int, mean float64) []float64 {
	return drawn(n, func() float64 { return mean * r.ExpFloat64() })
}

func rounded(values []float64) []float64 {
	for i, v := range values {
		values[i] = math.Round(v)
	}
	return values
}
