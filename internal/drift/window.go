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
	mass         []int64
	beyond       int64   // outside of the baseline's least and greatest
	outside      float64 // how far those lie outside, summed up

	categories map[string]int64
	other      int64 // of categories that the profile does not tell apart
}

// NewWindow returns an empty window.
func NewWindow(p *Profile) *Window {
	w := &Window{profile: p}
	for i := range p.Columns {
		base := &p.Columns[i]
		w.columns = append(w.columns, &watched{base: base, mass: make([]int64, len(base.Edges)+1), categories: map[string]int64{}})
	}
	return w
}

// Numbers reads values of a numeric column, by its place in the profile; NaN is a
// value that is not there.
func (w *Window) Numbers(column int, values []float64) {
	k := w.columns[column]
	for _, v := range values {
		if math.IsNaN(v) {
			k.nulls++
			continue
		}
		k.count++
		k.mass[k.base.binOf(v)]++
		if far := max(k.base.Min-v, v-k.base.Max); far > 0 {
			k.beyond++
			if !math.IsInf(far, 0) {
				k.outside += far
			}
		}
	}
}

// Texts reads values of a categorical column, by its place in the profile.
// Missing, which may be nil, says which of them are not there.
func (w *Window) Texts(column int, values []string, missing []bool) {
	k := w.columns[column]
	for i, v := range values {
		switch {
		case missing != nil && missing[i]:
			k.nulls++
			continue
		default:
			k.count++
		}
		if _, known := k.base.Categories[v]; known {
			k.categories[v]++
			continue
		}
		k.other++
	}
}

// Quality is how values of a column violate what its baseline has.
type Quality struct {
	Name       string
	Rows       int64
	Missing    int64 // not there
	OutOfRange int64 // numbers beyond the baseline's least and greatest
	Unknown    int64 // categories that the baseline lacks; 0 where it has too many to tell
	BaseNulls  float64
}

// Quality returns the violations by column.
func (w *Window) Quality() []Quality {
	out := make([]Quality, 0, len(w.columns))
	for _, k := range w.columns {
		q := Quality{Name: k.base.Name, Rows: k.count + k.nulls, Missing: k.nulls, BaseNulls: share(k.base.Nulls, k.base.Count+k.base.Nulls)}
		if k.base.Kind == Numeric && k.base.Count > 0 {
			q.OutOfRange = k.beyond
		}
		if k.base.Kind == Categorical && k.base.Other == 0 {
			q.Unknown = k.other
		}
		out = append(out, q)
	}
	return out
}

func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
