package drift

import "math"

// Window reads data to be compared with a profile. Different columns may be
// read by different goroutines at once; one column by one at a time.
type Window struct {
	profile *Profile
	columns []*watched
}

// watched is what is counted of one column.
type watched struct {
	base *ColumnProfile

	count, nulls int64
	mistyped     int64 // of nulls, those that were of the other kind
	bins         *finder
	mass         []int64
	beyond       int64   // outside of the baseline's least and greatest
	outside      float64 // how far those lie outside, summed up

	seen *tally
}

// NewWindow returns an empty window.
func NewWindow(p *Profile) *Window {
	w := &Window{profile: p}
	for i := range p.Columns {
		w.columns = append(w.columns, newWatched(&p.Columns[i]))
	}
	return w
}

func newWatched(base *ColumnProfile) *watched {
	k := &watched{base: base, bins: newFinder(base.Edges), mass: make([]int64, len(base.Edges)+1), seen: newTally(0)}
	if base.Kind == Categorical && base.Buckets == nil {
		k.seen.most = len(base.Categories) + newCategories
		for name := range base.Categories { // there first, so that new ones cannot take their place
			k.seen.counts[name] = new(int64)
		}
	}
	return k
}

// Numbers reads values of a numeric column, by its place in the profile; NaN is a
// value that is not there. In a categorical column no number is.
func (w *Window) Numbers(column int, values []float64) {
	k := w.columns[column]
	if k.base.Kind == Categorical {
		k.refuse(values)
		return
	}
	for _, v := range values {
		if math.IsNaN(v) {
			k.nulls++
			continue
		}
		k.count++
		k.mass[k.bins.find(v)]++
		if v < k.base.Min || v > k.base.Max {
			k.beyond++
			if far := max(k.base.Min-v, v-k.base.Max); !math.IsInf(v, 0) {
				k.outside = finite(k.outside + far)
			}
		}
	}
}

// refuse counts numbers of a categorical column.
func (k *watched) refuse(values []float64) {
	for _, v := range values {
		k.nulls++
		if !math.IsNaN(v) {
			k.mistyped++
		}
	}
}

// Texts reads values of a categorical column, by its place in the profile.
// Missing, which may be nil, says which of them are not there. In a numeric
// column no text is.
func (w *Window) Texts(column int, values []string, missing []bool) {
	k := w.columns[column]
	for i, v := range values {
		switch {
		case missing != nil && missing[i]:
			k.nulls++
		case k.base.Kind == Numeric:
			k.nulls++
			k.mistyped++
		default:
			k.text(v)
		}
	}
}

func (k *watched) text(v string) {
	k.count++
	k.seen.add(v, 1)
}

// Quality is how values of a column violate what its baseline has.
type Quality struct {
	Name       string
	Rows       int64
	Missing    int64 // not there
	Mistyped   int64 // of Missing, those that are there, but are text for a number or the reverse
	OutOfRange int64 // numbers beyond the baseline's least and greatest
	Unknown    int64 // categories that the baseline lacks; 0 where it has too many to tell
	BaseNulls  float64
}

// Quality returns the violations by column.
func (w *Window) Quality() []Quality {
	out := make([]Quality, 0, len(w.columns))
	for _, k := range w.columns {
		q := Quality{
			Name: k.base.Name, Rows: k.count + k.nulls, Missing: k.nulls, Mistyped: k.mistyped,
			BaseNulls: share(k.base.Nulls, k.base.Count+k.base.Nulls),
		}
		if k.base.Kind == Numeric && k.base.Count > 0 {
			q.OutOfRange = k.beyond
		}
		if k.base.Kind == Categorical && k.base.Buckets == nil {
			q.Unknown = k.unknownCategories()
		}
		out = append(out, q)
	}
	return out
}

// unknownCategories counts values of categories that the baseline lacks.
func (k *watched) unknownCategories() int64 {
	known := int64(0)
	for name := range k.base.Categories {
		known += *k.seen.counts[name]
	}
	return k.count - known
}

func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
