package drift

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// homogeneity is the p-value of the test that both rows of a table of counts are
// of one distribution: the greater of Pearson's and of the likelihood-ratio test.
// Far out, where a check of many features looks, Pearson's speaks too soon of
// groups with more rows than expected, and the other of groups with fewer.
func homogeneity(base, now []float64) float64 {
	freedom := float64(len(base)) - 1
	return max(survival(chiSquare(base, now), freedom), survival(likelihoodRatio(base, now), freedom))
}

// likelihoodRatio is the statistic G of the table of two rows.
func likelihoodRatio(base, now []float64) float64 {
	n, m := sum(base), sum(now)
	value := 0.0
	for i := range base {
		both := base[i] + now[i]
		value += surprise(base[i], both*n/(n+m)) + surprise(now[i], both*m/(n+m))
	}
	return max(0, value)
}

func surprise(got, expected float64) float64 {
	if got == 0 {
		return 0
	}
	return 2 * got * math.Log(got/expected) //nolint:mnd // G is twice the logarithm
}

// survival is the chance of a larger value of a chi-square variable.
func survival(value, freedom float64) float64 {
	if freedom < 1 {
		return 1
	}
	return distuv.ChiSquared{K: freedom}.Survival(value)
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

// fisher is the p-value, of both sides, of Fisher's exact test that two shares
// are equal: hits of drawn in one sample, marked of all in both. An approximation
// by the normal distribution would cry wolf of what is rare.
func fisher(hits, drawn, marked, all int64) float64 {
	h := hypergeometric{drawn: drawn, marked: marked, all: all}
	low, high := max(0, drawn+marked-all), min(drawn, marked)
	mode := min(max(low, int64(float64(drawn+1)*float64(marked+1)/float64(all+2))), high)
	const equal = 1e-7 // as likely as what was seen, but for rounding
	limit := h.log(hits) + equal
	// The chance falls to both sides of the mode: on each side search for the
	// first that is no more likely than what was seen, and add up from there.
	up := search(mode, high+1, func(k int64) bool { return h.log(k) <= limit })
	down := -search(-mode, -low+1, func(k int64) bool { return h.log(-k) <= limit })
	if up == down {
		return 1 // the mode itself is no more likely than what was seen
	}
	return min(1, h.tail(up, high, 1)+h.tail(down, low, -1))
}

// search returns the first of from … to-1 for which ok holds, or to; once it
// holds it goes on to hold.
func search(from, to int64, ok func(int64) bool) int64 {
	for from < to {
		if mid := from + (to-from)/2; ok(mid) {
			to = mid
		} else {
			from = mid + 1
		}
	}
	return from
}

// hypergeometric is the distribution of marked ones among those drawn.
type hypergeometric struct{ drawn, marked, all int64 }

// log is the logarithm of the chance of k.
func (h hypergeometric) log(k int64) float64 {
	return choose(h.marked, k) + choose(h.all-h.marked, h.drawn-k) - choose(h.all, h.drawn)
}

// tail adds up the chances from k to the end, by steps of 1 or -1, as far as they
// matter.
func (h hypergeometric) tail(k, end, step int64) float64 {
	const matters = 1e-17
	total := 0.0
	for ; k*step <= end*step; k += step {
		p := math.Exp(h.log(k))
		if total += p; p <= total*matters {
			break
		}
	}
	return total
}

// choose is the logarithm of the binomial coefficient.
func choose(n, k int64) float64 {
	a, _ := math.Lgamma(float64(n) + 1)
	b, _ := math.Lgamma(float64(k) + 1)
	c, _ := math.Lgamma(float64(n-k) + 1)
	return a - b - c
}
