package checks

import (
	"fmt"
	"maps"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/table"
)

// equalOpportunity is the difference of true-positive rates; see mlops.BiasStatistics.
const equalOpportunity = "equal_opportunity_difference"

// mostGroups bounds what a column without groups would cost.
const mostGroups = 100

// groups counts outcomes by group.
type groups struct {
	check     mlops.BiasCheck
	favorable string
	counts    map[string]*outcome
	more      int64 // rows of groups beyond the most
}

type outcome struct{ rows, favored, positive, truePositive int64 }

func newGroups(check mlops.BiasCheck) *groups {
	return &groups{check: check, favorable: canonical(check.Favorable), counts: map[string]*outcome{}}
}

func (g *groups) take(group, prediction string, label table.Cell, known bool) {
	if group == "" || prediction == "" {
		return
	}
	o := g.counts[group]
	if o == nil {
		if len(g.counts) == mostGroups {
			g.more++
			return
		}
		o = &outcome{}
		g.counts[group] = o
	}
	favored := prediction == g.favorable
	o.rows++
	if favored {
		o.favored++
	}
	if known && label.Text == g.favorable {
		o.positive++
		if favored {
			o.truePositive++
		}
	}
}

// biased compares the groups that fare best and worst. Groups with too few rows
// are shown and not judged.
func (x *Examination) biased() mlops.CheckReport {
	g := x.bias
	r := mlops.CheckReport{Rows: x.rows, Features: []mlops.FeatureReport{}}
	if g.more > 0 {
		r.State, r.Reason = mlops.MonitorBroken, fmt.Sprintf("%q has more than %d groups", g.check.Group, mostGroups)
		return r
	}
	least := max(1, x.least()/10) //nolint:mnd // a tenth of what all need
	low, high, judged := 1.0, 0.0, 0
	for _, name := range slices.Sorted(maps.Keys(g.counts)) {
		f := g.counts[name].report(name, g.check.Statistic, least)
		if f.Value != nil {
			low, high, judged = min(low, *f.Value), max(high, *f.Value), judged+1
		}
		r.Features = append(r.Features, f)
	}
	if judged < 2 { //nolint:mnd // a comparison
		r.State, r.Reason = mlops.MonitorNoData, fmt.Sprintf("there are not two groups of %q with enough rows", g.check.Group)
		return r
	}
	value, violated := g.differ(low, high)
	r.Features = append(r.Features, mlops.FeatureReport{
		Name: g.check.Group, Statistic: g.check.Statistic, Value: &value, Threshold: &g.check.Threshold, Violated: violated,
	})
	return Finish(r, violated, fmt.Sprintf("%s by %q is %.3g, threshold %g", g.check.Statistic, g.check.Group, value, g.check.Threshold))
}

// needsTruth reports whether groups are compared by what turned out to be true.
func (g *groups) needsTruth() bool { return g.check.Statistic == equalOpportunity }

// report is how one group fares: the share of favourable predictions, or of those
// that deserve one.
func (o *outcome) report(name, statistic string, least int64) mlops.FeatureReport {
	part, whole, word := o.favored, o.rows, "favorable_share"
	if statistic == equalOpportunity {
		part, whole, word = o.truePositive, o.positive, "true_positive_rate"
	}
	f := mlops.FeatureReport{Name: name, Statistic: word}
	if whole < least {
		f.Reason = fmt.Sprintf("%d rows are too few", whole)
		return f
	}
	share := float64(part) / float64(whole)
	f.Value = &share
	return f
}

// differ compares the least and the greatest share.
func (g *groups) differ(low, high float64) (value float64, violated bool) {
	if g.check.Statistic != "disparate_impact" {
		return high - low, high-low > g.check.Threshold
	}
	value = 1
	if high > 0 {
		value = low / high
	}
	return value, value < g.check.Threshold
}
