package drift

import (
	"encoding/json"
	"fmt"
	"maps"
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
	newCategories = 2000    // that the profile lacks, told apart in a window
)

// Version is that of a Profile's JSON form. A profile of another is refused, and
// to be computed again.
const Version = 1

// Column names a column and says what it holds.
type Column struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
}

// Profile is what is remembered of a baseline.
type Profile struct {
	Version int             `json:"version"`
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
	// Where there are any of those, Buckets counts all values by a hash.
	Categories map[string]int64 `json:"categories,omitempty"`
	Other      int64            `json:"other,omitempty"`
	Buckets    []int64          `json:"buckets,omitempty"`
	Distinct   int64            `json:"distinct,omitempty"` // categories seen, at most 10,000 and one
}

// UnmarshalJSON reads a profile. One of another version, or one that was damaged,
// is an error, so that it cannot be compared with.
func (p *Profile) UnmarshalJSON(b []byte) error {
	type plain Profile
	if err := json.Unmarshal(b, (*plain)(p)); err != nil {
		return err
	}
	if p.Version != Version {
		return fmt.Errorf("a drift profile of version %d; this is version %d: compute the baseline again", p.Version, Version)
	}
	for i := range p.Columns {
		if c := &p.Columns[i]; !c.whole() {
			return fmt.Errorf("the drift profile is damaged: column %q", c.Name)
		}
	}
	return nil
}

// whole reports whether what a column holds can be compared with.
func (c *ColumnProfile) whole() bool {
	switch c.Kind {
	case Numeric:
		filled := c.Count == 0 || len(c.Mass) == len(c.Edges)+1 && c.Sampled > 0 && total(c.Mass) == c.Sampled
		return filled && slices.IsSorted(c.Edges)
	case Categorical:
		told := total(slices.Collect(maps.Values(c.Categories))) + c.Other
		return told == c.Count && (c.Buckets == nil || len(c.Buckets) == bucketCount && total(c.Buckets) == c.Count)
	}
	return false
}

func total(counts []int64) int64 {
	sum := int64(0)
	for _, n := range counts {
		sum += n
	}
	return sum
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

// edgesOf returns the ends of fine bins of a sorted sample. Up to fineBins
// different values have a bin each, with nothing else in it; of more than that,
// only those have that fill a bin.
func edgesOf(sorted []float64) []float64 {
	var edges []float64
	add := func(e float64) {
		if len(edges) == 0 || e > edges[len(edges)-1] {
			edges = append(edges, e)
		}
	}
	alone := func(v float64) {
		add(math.Nextafter(v, math.Inf(-1)))
		add(v)
	}
	n := len(sorted)
	if distinct := slices.Compact(slices.Clone(sorted)); len(distinct) <= fineBins {
		for _, v := range distinct {
			alone(v)
		}
		return edges
	}
	alone(sorted[0])
	for i := 1; i <= fineBins; i++ {
		v := sorted[min(n-1, i*n/fineBins)]
		if sorted[(i-1)*n/fineBins] == v {
			alone(v)
			continue
		}
		add(v)
	}
	return edges
}
