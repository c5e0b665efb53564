package drift

import (
	"errors"
	"slices"
)

// errOtherColumns is returned for parts that cannot be taken together.
var errOtherColumns = errors.New("the parts were not read with the same columns")

// Merge adds what another collector has read, as if this one had read it. Both
// must be of the same columns. The other must not be used any more.
func (c *Collector) Merge(other *Collector) error {
	same := func(a, b *collected) bool { return a.Column == b.Column }
	if !slices.EqualFunc(c.columns, other.columns, same) {
		return errOtherColumns
	}
	c.rows += other.rows
	for i, k := range c.columns {
		k.merge(other.columns[i])
	}
	return nil
}

func (k *collected) merge(o *collected) {
	k.mergeSamples(o)
	k.mergeMoments(o)
	k.count, k.nulls = k.count+o.count, k.nulls+o.nulls
	k.low, k.high = min(k.low, o.low), max(k.high, o.high)
	k.categories.merge(o.categories)
}

// mergeMoments is Chan's formula.
func (k *collected) mergeMoments(o *collected) {
	if o.bounded == 0 {
		return
	}
	n, m := float64(k.bounded), float64(o.bounded)
	far := o.mean - k.mean
	k.mean = k.mean*(n/(n+m)) + o.mean*(m/(n+m))
	k.square += o.square
	if n > 0 {
		k.square += far * far * (n / (n + m)) * m
	}
	k.bounded += o.bounded
}

// mergeSamples draws from both samples, in proportion to what they stand for.
func (k *collected) mergeSamples(o *collected) {
	if len(k.sample)+len(o.sample) <= SampleSize {
		k.sample = append(k.sample, o.sample...)
		return
	}
	shuffle := func(s []float64) { k.random.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] }) }
	shuffle(k.sample)
	shuffle(o.sample)
	drawn := make([]float64, 0, SampleSize)
	mine, theirs := k.sample, o.sample
	for n, m := k.count, o.count; len(drawn) < SampleSize; {
		if k.random.Int64N(n+m) < n {
			drawn, mine = append(drawn, mine[0]), mine[1:]
			n--
			continue
		}
		drawn, theirs = append(drawn, theirs[0]), theirs[1:]
		m--
	}
	k.sample = drawn
}

// Merge adds what another window of the same profile has read, as if this one had
// read it: the result is the same to the row.
func (w *Window) Merge(other *Window) error {
	same := func(a, b *watched) bool {
		return a.base.Column == b.base.Column && slices.Equal(a.base.Edges, b.base.Edges) && len(a.base.Categories) == len(b.base.Categories)
	}
	if !slices.EqualFunc(w.columns, other.columns, same) {
		return errOtherColumns
	}
	for i, k := range w.columns {
		k.merge(other.columns[i])
	}
	return nil
}

func (k *watched) merge(o *watched) {
	k.count, k.nulls, k.mistyped = k.count+o.count, k.nulls+o.nulls, k.mistyped+o.mistyped
	k.beyond, k.outside = k.beyond+o.beyond, finite(k.outside+o.outside)
	for i, n := range o.mass {
		k.mass[i] += n
	}
	k.seen.merge(o.seen)
}

// merge goes by name, so that the same categories find a place each time.
func (t *tally) merge(o *tally) {
	for _, name := range o.names() {
		t.add(name, *o.counts[name])
	}
	for bucket, n := range o.overflow {
		t.spill(bucket, n)
	}
}
