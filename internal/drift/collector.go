package drift

import (
	"cmp"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
)

// Collector reads a baseline. It is not safe for concurrent use.
type Collector struct {
	columns []*collected
	rows    int64
}

// collected is what is gathered of one column.
type collected struct {
	Column

	count, nulls int64
	low, high    float64
	bounded      int64   // of count, those that are not infinite
	mean, square float64 // of those, by Welford's method
	sample       []float64
	random       *rand.Rand

	categories *tally
}

// NewCollector returns a collector for columns. The same data give the same
// profile: the sample is drawn by a fixed seed.
func NewCollector(columns []Column) *Collector {
	c := &Collector{}
	for i, column := range columns {
		c.columns = append(c.columns, &collected{
			Column: column, low: math.Inf(1), high: math.Inf(-1),
			random:     rand.New(rand.NewPCG(uint64(i), 0)), //nolint:gosec // a sample needs no secrecy
			categories: newTally(maxCategories),
		})
	}
	return c
}

// Rows counts rows that were read, for the profile.
func (c *Collector) Rows(n int) { c.rows += int64(n) }

// Numbers reads values of a numeric column; NaN is a value that is not there. In
// a categorical column no number is.
func (c *Collector) Numbers(column int, values []float64) {
	k := c.columns[column]
	if k.Kind == Categorical {
		k.nulls += int64(len(values))
		return
	}
	for _, v := range values {
		k.number(v)
	}
}

// Texts reads values of a categorical column. Missing, which may be nil, says
// which of them are not there. In a numeric column no text is.
func (c *Collector) Texts(column int, values []string, missing []bool) {
	k := c.columns[column]
	for i, v := range values {
		if k.Kind == Numeric || missing != nil && missing[i] {
			k.nulls++
			continue
		}
		k.count++
		k.categories.add(v, 1)
	}
}

func (k *collected) number(v float64) {
	if math.IsNaN(v) {
		k.nulls++
		return
	}
	k.count++
	k.low, k.high = min(k.low, v), max(k.high, v)
	if !math.IsInf(v, 0) {
		k.bounded++
		before, n := k.mean, float64(k.bounded)
		k.mean += v/n - before/n // not of the difference, which may be too great for a number
		k.square += (v - before) * (v - k.mean)
	}
	if len(k.sample) < SampleSize {
		k.sample = append(k.sample, v)
	} else if at := k.random.Int64N(k.count); at < SampleSize {
		k.sample[at] = v
	}
}

// Profile returns what is remembered of all that was read.
func (c *Collector) Profile() *Profile {
	p := &Profile{Version: Version, Rows: c.rows}
	for _, k := range c.columns {
		p.Columns = append(p.Columns, k.profile())
	}
	return p
}

func (k *collected) profile() ColumnProfile {
	p := ColumnProfile{Column: k.Column, Count: k.count, Nulls: k.nulls}
	if k.Kind == Categorical {
		k.summarize(&p)
		return p
	}
	if k.count == 0 {
		return p
	}
	p.Min, p.Max, p.Mean = finite(k.low), finite(k.high), k.mean
	if k.bounded > 1 {
		p.Std = finite(math.Sqrt(k.square / float64(k.bounded-1)))
	}
	sorted := slices.Sorted(slices.Values(k.sample))
	p.Edges = slices.DeleteFunc(edgesOf(sorted), func(e float64) bool { return math.Abs(e) >= math.MaxFloat64 })
	p.Mass, p.Sampled = make([]int64, len(p.Edges)+1), int64(len(sorted))
	for _, v := range sorted {
		p.Mass[p.binOf(v)]++
	}
	return p
}

// finite is a number that JSON has.
func finite(v float64) float64 { return min(max(v, -math.MaxFloat64), math.MaxFloat64) }

// summarize keeps the categories that are most common.
func (k *collected) summarize(p *ColumnProfile) {
	names := slices.SortedFunc(maps.Keys(k.categories.counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(*k.categories.counts[b], *k.categories.counts[a]), cmp.Compare(a, b))
	})
	p.Distinct, p.Other = int64(len(names)), k.count
	if k.categories.overflow != nil {
		p.Distinct++
	}
	if p.Distinct > topCategories {
		p.Buckets = k.categories.buckets()
	}
	names = names[:min(len(names), topCategories)]
	p.Categories = make(map[string]int64, len(names))
	for _, name := range names {
		n := *k.categories.counts[name]
		p.Categories[name] = n
		p.Other -= n
	}
}
