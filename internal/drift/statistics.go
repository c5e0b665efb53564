package drift

import "math"

// groups is how many groups of bins the statistics of frequencies have.
const groups = 10

// leastExpected is how many rows a group must be expected to have in the smaller
// of two samples for frequencies to be compared.
const leastExpected = 5

// compute returns the value of a statistic and its p-value; not ok means that
// there are too few rows for it.
func (k *watched) compute(statistic string) (value, p float64, ok bool) {
	enough := min(k.base.Count, k.count) >= leastExpected
	switch statistic {
	case KS:
		value, p = k.kolmogorovSmirnov()
		return value, p, enough
	case Wasserstein:
		_, p = k.kolmogorovSmirnov()
		return k.wasserstein(), p, enough
	case NullRate:
		value, p = k.nullRate()
		return value, p, true
	}
	all, allNow := k.frequencies()
	base, now := pooled(all, allNow)
	p = homogeneity(base, now)
	ok = enough && (len(base) > 1 || len(all) == 1)
	switch statistic {
	case PSI:
		return psi(base, now), p, ok
	case JS:
		return jensenShannon(base, now), p, ok
	}
	return chiSquare(base, now), p, ok
}

// frequencies returns counts of the baseline and of the window, in the same
// groups.
func (k *watched) frequencies() (base, now []float64) {
	if k.base.Kind == Categorical {
		return k.categoryFrequencies()
	}
	base, now = k.values()
	if want := k.groups(); len(base) > want {
		return k.quantileGroups(want)
	}
	return base, now
}

// groups is how many groups a window has rows for.
func (k *watched) groups() int {
	return int(min(groups, max(2, min(k.count, k.base.Sampled)/leastExpected))) //nolint:mnd // a comparison needs two
}

// quantileGroups takes fine bins together to groups that hold about the same
// share of the baseline each. The first and the last group are open: what lies
// beyond the baseline is in them, as is customary.
func (k *watched) quantileGroups(want int) (base, now []float64) {
	var b, n float64
	var seen int64
	for i, m := range k.base.Mass {
		b, n, seen = b+float64(m), n+float64(k.mass[i]), seen+m
		if b > 0 && seen*int64(want) >= k.base.Sampled*int64(len(base)+1) {
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
// which for small windows would itself reach any threshold. Each group counts
// half a row more than it has, for none may be empty.
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

// pooled takes groups with too few rows together. Which those are is decided by
// the rows of both samples, so that neither is favoured: a category that only one
// of them happens to have is as likely in the one as in the other.
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

// nullRate is the change of the share of values that are not there.
func (k *watched) nullRate() (value, p float64) {
	n, m := k.base.Count+k.base.Nulls, k.count+k.nulls
	value = math.Abs(share(k.base.Nulls, n) - share(k.nulls, m))
	return value, fisher(k.nulls, m, k.base.Nulls+k.nulls, n+m)
}
