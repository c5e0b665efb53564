package drift

import (
	"math"
	"slices"
	"sort"
)

// Kind is what a column holds.
type Kind string

// The kinds of column.
const (
	Numeric     Kind = "numeric"
	Categorical Kind = "categorical"
)

// Sizes that bound memory.
const (
	SampleSize    = 1 << 16 // rows of a baseline that stand for all
	fineBins      = 1000    // of a numeric column
	maxCategories = 10_000  // told apart while a baseline is read
	topCategories = 500     // told apart in a profile; the rest is one
)

// Column names a column and says what it holds.
type Column struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
}

// Profile is what is remembered of a baseline.
type Profile struct {
	Rows    int64           `json:"rows"`
	Columns []ColumnProfile `json:"columns"`
}

// ColumnProfile is what is remembered of one column. Values that are not there
// are in Nulls only.
type ColumnProfile struct {
	Column

	Count int64   `json:"count"` // values that are there
	Nulls int64   `json:"nulls"`
	Min   float64 `json:"min"`
	Max   float64 `json:"max"`
	Mean  float64 `json:"mean"`
	Std   float64 `json:"std"`

	// Edges are the upper ends of bins, rising; one more bin is above the last.
	// Mass counts the values in each of a sample of Sampled.
	Edges   []float64 `json:"edges,omitempty"`
	Mass    []int64   `json:"mass,omitempty"`
	Sampled int64     `json:"sampled,omitempty"`

	// Categories counts values; Other those of categories that are not told apart.
	Categories map[string]int64 `json:"categories,omitempty"`
	Other      int64            `json:"other,omitempty"`
	Distinct   int64            `json:"distinct,omitempty"` // categories seen, at most 10,000 and one
}

// Find returns the profile of a column, or nil.
func (p *Profile) Find(name string) *ColumnProfile {
	i := slices.IndexFunc(p.Columns, func(c ColumnProfile) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &p.Columns[i]
}

// Quantile returns an estimate of a quantile of a numeric column, q from 0 to 1,
// NaN where there is no value.
func (c *ColumnProfile) Quantile(q float64) float64 {
	if c.Count == 0 || len(c.Edges) == 0 {
		return math.NaN()
	}
	want, sum := q*float64(c.Sampled), 0.0
	for i, m := range c.Mass {
		if sum += float64(m); sum >= want {
			if i == len(c.Edges) {
				return c.Max
			}
			return min(max(c.Edges[i], c.Min), c.Max)
		}
	}
	return c.Max
}

// binOf returns the bin of a value: the first whose upper end it does not exceed.
func (c *ColumnProfile) binOf(v float64) int { return sort.SearchFloat64s(c.Edges, v) }

// edgesOf returns the ends of fine bins of a sorted sample. A value that fills a
// whole bin gets one of its own.
func edgesOf(sorted []float64) []float64 {
	var edges []float64
	add := func(e float64) {
		if len(edges) == 0 || e > edges[len(edges)-1] {
			edges = append(edges, e)
		}
	}
	n := len(sorted)
	if n > 0 {
		add(math.Nextafter(sorted[0], math.Inf(-1)))
		add(sorted[0])
	}
	for i := 1; i <= fineBins && n > 0; i++ {
		at := min(n-1, i*n/fineBins)
		v := sorted[at]
		if before := max(0, (i-1)*n/fineBins); sorted[before] == v || n <= fineBins {
			add(math.Nextafter(v, math.Inf(-1)))
		}
		add(v)
	}
	return edges
}
