package drift

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// groups is how many groups of bins the statistics of frequencies have.
const groups = 10

// compute returns the value of a statistic and its p-value.
func (k *watched) compute(statistic string) (value, p float64) {
	switch statistic {
	case KS:
		return k.kolmogorovSmirnov()
	case Wasserstein:
		_, p = k.kolmogorovSmirnov()
		return k.wasserstein(), p
	case NullRate:
		return k.nullRate()
	}
	base, now := k.frequencies()
	p = homogeneity(base, now)
	switch statistic {
	case PSI:
		return psi(base, now), p
	case JS:
		return jensenShannon(base, now), p
	}
	return chiSquare(base, now), p
}

// frequencies returns counts of the baseline and of the window, in the same
// groups.
func (k *watched) frequencies() (base, now []float64) {
	if k.base.Kind == Categorical {
		for name, n := range k.base.Categories {
			base, now = append(base, float64(n)), append(now, float64(k.categories[name]))
		}
		if k.base.Other+k.other > 0 {
			base, now = append(base, float64(k.base.Other)), append(now, float64(k.other))
		}
		return base, now
	}
	if base, now = k.values(); len(base) <= groups {
		return base, now
	}
	base, now = nil, nil
	// The first and the last group are open: what lies beyond the baseline is in
	// them, as is customary.
	step := float64(k.base.Sampled) / groups
	var b, n, seen float64
	for i, m := range k.base.Mass {
		b, n, seen = b+float64(m), n+float64(k.mass[i]), seen+float64(m)
		if b > 0 && seen >= step*float64(len(base)+1) {
			base, now = append(base, b), append(now, n)
			b, n = 0, 0
		}
	}
	last := len(base) - 1
	base[last], now[last] = base[last]+b, now[last]+n
	return base, now
}

// values returns a group for each bin that the baseline has anything in, and one
// for all that is elsewhere: of a column with few values, these are the values.
func (k *watched) values() (base, now []float64) {
	elsewhere := 0.0
	for i, m := range k.base.Mass {
		if m == 0 {
			elsewhere += float64(k.mass[i])
			continue
		}
		base, now = append(base, float64(m)), append(now, float64(k.mass[i]))
	}
	if elsewhere > 0 {
		base, now = append(base, 0), append(now, elsewhere)
	}
	return base, now
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total
}

// psi is the population stability index less its expectation in unchanged data,
// which for small windows would itself reach any threshold. Empty groups count
// half a row.
func psi(base, now []float64) float64 {
	n, m, k := sum(base), sum(now), float64(len(base))
	value := 0.0
	for i := range base {
		x, y := (base[i]+0.5)/(n+k/2), (now[i]+0.5)/(m+k/2)
		value += (y - x) * math.Log(y/x)
	}
	return max(0, value-(k-1)*(1/n+1/m))
}

// jensenShannon is the distance to base 2.
func jensenShannon(base, now []float64) float64 {
	n, m := sum(base), sum(now)
	divergence := 0.0
	for i := range base {
		x, y := base[i]/n, now[i]/m
		mid := (x + y) / 2 //nolint:mnd // the middle
		divergence += half(x, mid) + half(y, mid)
	}
	return math.Sqrt(max(0, divergence) / math.Ln2)
}

// half is one side of the divergence, in nats.
func half(x, mid float64) float64 {
	if x == 0 {
		return 0
	}
	return x * math.Log(x/mid) / 2 //nolint:mnd // one side of two
}

// chiSquare is Pearson's statistic of the table of two rows.
func chiSquare(base, now []float64) float64 {
	n, m := sum(base), sum(now)
	value := 0.0
	for i := range base {
		both := base[i] + now[i]
		if both == 0 {
			continue
		}
		x, y := both*n/(n+m), both*m/(n+m)
		value += (base[i]-x)*(base[i]-x)/x + (now[i]-y)*(now[i]-y)/y
	}
	return value
}

// leastExpected is how many rows a group must be expected to have for Pearson's
// statistic to follow its distribution.
const leastExpected = 5

// homogeneity is the p-value of Pearson's test that both rows are of one
// distribution. Groups with too few rows are taken together first: with them
// small windows would cry wolf.
func homogeneity(base, now []float64) float64 {
	b, n := pooled(base, now)
	return survival(chiSquare(b, n), float64(len(b))-1)
}

func pooled(base, now []float64) (b, n []float64) {
	total, rows := sum(base)+sum(now), min(sum(base), sum(now))
	var restBase, restNow float64
	for i := range base {
		if expected := (base[i] + now[i]) * rows / total; expected >= leastExpected {
			b, n = append(b, base[i]), append(n, now[i])
			continue
		}
		restBase, restNow = restBase+base[i], restNow+now[i]
	}
	switch {
	case restBase+restNow == 0:
	case (restBase+restNow)*rows/total >= leastExpected || len(b) == 0:
		b, n = append(b, restBase), append(n, restNow)
	default: // with the smallest that there is
		at := 0
		for i := range b {
			if b[i]+n[i] < b[at]+n[at] {
				at = i
			}
		}
		b[at], n[at] = b[at]+restBase, n[at]+restNow
	}
	return b, n
}

// survival is the chance of a larger value of a chi-square variable.
func survival(value, freedom float64) float64 {
	if freedom < 1 {
		return 1
	}
	return distuv.ChiSquared{K: freedom}.Survival(value)
}

// kolmogorovSmirnov is the greatest distance of the distributions, and the chance
// of a greater one by Kolmogorov's limit.
func (k *watched) kolmogorovSmirnov() (value, p float64) {
	n, m := float64(k.base.Sampled), float64(k.count)
	var base, now float64
	for i, b := range k.base.Mass {
		base, now = base+float64(b)/n, now+float64(k.mass[i])/m
		value = max(value, math.Abs(base-now))
	}
	return value, kolmogorov(value * math.Sqrt(n*m/(n+m)))
}

// kolmogorov is the survival function of the Kolmogorov distribution. The series
// needs few terms where it is not 1 or 0 anyway.
func kolmogorov(x float64) float64 {
	const small, terms = 0.2, 100
	if x < small {
		return 1
	}
	total, sign := 0.0, 1.0
	for i := 1.0; i <= terms; i++ {
		total += sign * math.Exp(-2*i*i*x*x)
		sign = -sign
	}
	return min(1, max(0, 2*total)) //nolint:mnd // both sides
}

// wasserstein is the area between the distributions, in standard deviations of
// the baseline, or as it is where that has none.
func (k *watched) wasserstein() float64 {
	n, m := float64(k.base.Sampled), float64(k.count)
	var base, now, area, before float64
	for i, b := range k.base.Mass[:len(k.base.Edges)] {
		base, now = base+float64(b)/n, now+float64(k.mass[i])/m
		distance := math.Abs(base - now)
		if i > 0 {
			area += (before + distance) / 2 * (k.base.Edges[i] - k.base.Edges[i-1]) //nolint:mnd // the mean
		}
		before = distance
	}
	// Beyond the baseline's values one distribution is flat: the area is how far
	// the window's values lie out there.
	area += k.outside / m
	if k.base.Std > 0 {
		return area / k.base.Std
	}
	return area
}

// nullRate is the change of the share of values that are not there, with the
// p-value of a test of two proportions.
func (k *watched) nullRate() (value, p float64) {
	n, m := float64(k.base.Count+k.base.Nulls), float64(k.count+k.nulls)
	x, y := float64(k.base.Nulls)/n, float64(k.nulls)/m
	pooled := float64(k.base.Nulls+k.nulls) / (n + m)
	spread := math.Sqrt(pooled * (1 - pooled) * (1/n + 1/m))
	if spread == 0 {
		return math.Abs(x - y), 1
	}
	z := math.Abs(x-y) / spread
	return math.Abs(x - y), 2 * distuv.UnitNormal.Survival(z) //nolint:mnd // both sides
}
