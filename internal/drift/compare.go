package drift

import (
	"fmt"
	"slices"
)

// The statistics.
const (
	PSI         = "psi"         // population stability index, less what chance alone gives
	KS          = "ks"          // Kolmogorov–Smirnov: greatest distance of the distributions
	JS          = "js"          // Jensen–Shannon distance, to base 2
	Wasserstein = "wasserstein" // earth mover's distance, in standard deviations of the baseline
	ChiSquare   = "chi_square"  // Pearson's, of two samples
	NullRate    = "null_rate"   // change of the share of values that are not there
)

// Alpha is the share of checks of unchanged data that may report drift.
const Alpha = 0.01

// Options say what is compared, and how.
type Options struct {
	Statistic string   // "" is PSI for numbers, and JS for categories
	Threshold *float64 // nil is DefaultThreshold of the statistic
	Columns   []string // empty is all
	MinRows   int64    // fewer values in the window are not judged; 0 is 1
}

// Result is how one column fared.
type Result struct {
	Name      string
	Statistic string
	Value     float64
	PValue    float64 // chance of such a difference in unchanged data
	Threshold float64
	Rows      int64
	Drifted   bool
	Reason    string // why it was not judged, or what it means; Judged tells which
	Judged    bool
}

// Statistics lists all statistics.
func Statistics() []string { return []string{PSI, KS, JS, Wasserstein, ChiSquare, NullRate} }

// Fits reports whether a statistic can be computed of a kind of column; "", which
// leaves the choice to Compare, always can.
func Fits(statistic string, kind Kind) bool {
	switch statistic {
	case "", PSI, JS, ChiSquare, NullRate:
		return true
	case KS, Wasserstein:
		return kind == Numeric
	}
	return false
}

// DefaultThreshold is the value from which on a statistic speaks of drift, where
// nobody says: what is customary, and for chi-square nothing, because it grows
// with the number of rows and significance alone decides.
func DefaultThreshold(statistic string) float64 {
	switch statistic {
	case PSI:
		return 0.2
	case KS, JS, Wasserstein:
		return 0.1
	case NullRate:
		return 0.05
	}
	return 0
}

// Compare judges what the window has read.
func (w *Window) Compare(o Options) []Result {
	var out []Result
	for _, k := range w.columns {
		if len(o.Columns) > 0 && !slices.Contains(o.Columns, k.base.Name) {
			continue
		}
		out = append(out, k.compare(o))
	}
	for _, name := range o.Columns {
		if w.profile.Find(name) == nil {
			out = append(out, Result{Name: name, Statistic: o.Statistic, Reason: "the baseline has no such column"})
		}
	}
	judged := 0
	for _, r := range out {
		if r.Judged {
			judged++
		}
	}
	for i := range out {
		out[i].decide(judged)
	}
	return out
}

// compare computes the statistic of one column.
func (k *watched) compare(o Options) Result {
	r := Result{Name: k.base.Name, Statistic: o.Statistic, Rows: k.count + k.nulls}
	if r.Statistic == "" {
		r.Statistic = PSI
		if k.base.Kind == Categorical {
			r.Statistic = JS
		}
	}
	r.Threshold = DefaultThreshold(r.Statistic)
	if o.Threshold != nil {
		r.Threshold = *o.Threshold
	}
	if r.Reason = k.unfit(r.Statistic, max(1, o.MinRows)); r.Reason != "" {
		return r
	}
	if r.Value, r.PValue, r.Judged = k.compute(r.Statistic); !r.Judged {
		r.Reason = fmt.Sprintf("%d values, of %d in the baseline, are too few or too seldom alike to be compared", k.count, k.base.Count)
	}
	return r
}

// unfit says why a column cannot be judged, or "".
func (k *watched) unfit(statistic string, least int64) string {
	base := k.base
	switch {
	case !slices.Contains(Statistics(), statistic):
		return fmt.Sprintf("%q is no statistic of drift", statistic)
	case base.Count+base.Nulls == 0:
		return "the baseline has no rows"
	case k.count+k.nulls == 0:
		return "the window has no rows, or no such column"
	case statistic == NullRate:
		if k.count+k.nulls < least {
			return fmt.Sprintf("%d rows, %d are needed", k.count+k.nulls, least)
		}
		return ""
	case base.Count == 0:
		return "the baseline has no values"
	case !Fits(statistic, base.Kind):
		return statistic + " is for numbers, and this column has categories"
	case k.mistyped > 0 && k.count == 0:
		return fmt.Sprintf("%d values are not %s", k.mistyped, base.Kind)
	case k.count == 0:
		return "all values are missing"
	case k.count < least:
		return fmt.Sprintf("%d values, %d are needed", k.count, least)
	case base.Kind == Categorical && base.Distinct > topCategories && 2*base.Distinct > min(base.Count, maxCategories):
		return "nearly every value is a category of its own"
	}
	return ""
}

// decide needs both: a difference that is large, and one that is not chance.
func (r *Result) decide(judged int) {
	if !r.Judged {
		return
	}
	significant := r.PValue < Alpha/float64(max(1, judged))
	r.Drifted = significant && r.Value >= r.Threshold
	if !significant && r.Value >= r.Threshold {
		r.Reason = fmt.Sprintf("beyond the threshold, but %d rows are too few to tell it from chance", r.Rows)
	}
}
