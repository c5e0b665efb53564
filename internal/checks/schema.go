package checks

import (
	"fmt"
	"maps"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/drift"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/table"
)

// mostUnknown is how many names that no feature has are reported.
const mostUnknown = 20

// schema counts how live data violate the baseline's schema, as far as
// drift.Window does not.
type schema struct {
	unfit   []int64          // values of another type, by feature
	strange int64            // rows of another width
	unknown map[string]int64 // rows with a name that no feature has
}

func (s *schema) take(row instance, features []table.Column) {
	if row.strange {
		s.strange++
	}
	for i, c := range features {
		if !row.features[i].Fits(c.Type) {
			s.unfit[i]++
		}
	}
	for _, name := range row.unknown {
		if _, seen := s.unknown[name]; seen || len(s.unknown) < mostUnknown {
			s.unknown[name]++
		}
	}
}

// violations gathers what data_quality reports.
type violations struct {
	features []mlops.FeatureReport
	names    []string
}

// add holds a percentage to its limit; because says why it is not beyond, if it
// is and does not count.
func (v *violations) add(name, statistic string, value float64, limit *float64, because string) {
	most := valueOf(limit)
	f := mlops.FeatureReport{Name: name, Statistic: statistic, Value: &value, Threshold: &most}
	switch {
	case value <= most:
	case because != "":
		f.Reason = because
	default:
		f.Violated, f.Reason = true, fmt.Sprintf("%.2f %% of the rows, more than %g %%", value, most)
		v.names = append(v.names, fmt.Sprintf("%s (%s %.2f %%)", name, statistic, value))
	}
	v.features = append(v.features, f)
}

// dataQuality holds values to the baseline's schema. Predictions are no data.
func (x *Examination) dataQuality() mlops.CheckReport {
	limits, v := x.spec.DataQuality, violations{features: []mlops.FeatureReport{}}
	quality := x.window.Quality()
	byChance := x.missingByChance(quality)
	for i, c := range x.base.features() {
		q := quality[i]
		if c.Type == table.Empty {
			v.features = append(v.features, mlops.FeatureReport{Name: q.Name, Statistic: "type_percent", Reason: "the baseline has no values"})
			continue
		}
		unfit := x.schema.unfit[i]
		beyond := percentOf(q.Missing-unfit, x.rows) - 100*q.BaseNulls //nolint:mnd // percent
		v.add(q.Name, "missing_percent", max(0, beyond), limits.MaxMissingPercent, byChance[q.Name])
		v.add(q.Name, "type_percent", percentOf(unfit, x.rows), limits.MaxTypePercent, "")
		if c.Type.Numeric() {
			v.add(q.Name, "range_percent", percentOf(q.OutOfRange, x.rows), limits.MaxRangePercent, "")
		} else {
			v.add(q.Name, "category_percent", percentOf(q.Unknown, x.rows), limits.MaxCategoryPercent, "")
		}
	}
	if x.schema.strange > 0 {
		v.add("(request)", "width_percent", percentOf(x.schema.strange, x.rows), limits.MaxTypePercent, "")
	}
	for _, name := range slices.Sorted(maps.Keys(x.schema.unknown)) {
		share := percentOf(x.schema.unknown[name], x.rows)
		v.features = append(v.features, mlops.FeatureReport{
			Name: name, Statistic: "unknown_percent", Value: &share, Reason: "the baseline has no such feature",
		})
	}
	r := mlops.CheckReport{Rows: x.rows, Features: v.features}
	return Finish(r, len(v.names) > 0, "violated: "+Brief(v.names))
}

// missingByChance says of features that lack values in the baseline too, and whose
// share is no other than chance gives, that it is so. Without it a feature that
// always lacks some would exceed its own share in every other window.
func (x *Examination) missingByChance(quality []drift.Quality) map[string]string {
	out := map[string]string{}
	lacking := 0
	for _, q := range quality {
		if q.BaseNulls > 0 {
			lacking++
		}
	}
	for i, r := range x.window.Compare(drift.Options{Statistic: drift.NullRate}) {
		if quality[i].BaseNulls > 0 && r.Judged && r.PValue >= drift.Alpha/float64(lacking) {
			out[r.Name] = "no more than chance alone gives"
		}
	}
	return out
}
