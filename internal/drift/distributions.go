package drift

import "math"

// kolmogorovSmirnov is the greatest distance of the distributions, and the chance
// of a greater one by Kolmogorov's limit.
func (k *watched) kolmogorovSmirnov() (value, p float64) {
	n, m := float64(k.base.Sampled), float64(k.count)
	var base, now int64
	for i, b := range k.base.Mass {
		base, now = base+b, now+k.mass[i]
		value = max(value, math.Abs(float64(base)/n-float64(now)/m))
	}
	return value, kolmogorov(value * math.Sqrt(n*m/(n+m)))
}

// wasserstein is the area between the distributions, in standard deviations of
// the baseline, or as it is where that has none.
func (k *watched) wasserstein() float64 {
	n, m := float64(k.base.Sampled), float64(k.count)
	var base, now int64
	var area, before float64
	for i, edge := range k.base.Edges {
		base, now = base+k.base.Mass[i], now+k.mass[i]
		distance := float64(base)/n - float64(now)/m
		if i > 0 {
			area += meanDistance(before, distance) * finite(edge-k.base.Edges[i-1])
		}
		before = distance
	}
	// Beyond the baseline's values one distribution is flat: the area is how far
	// the window's values lie out there.
	area += k.outside / m
	if k.base.Std > 0 {
		area /= k.base.Std
	}
	return finite(area)
}

// meanDistance is the mean of |x| on the way from one distance to another.
func meanDistance(from, to float64) float64 {
	if from*to >= 0 {
		return math.Abs(from+to) / 2 //nolint:mnd // the mean
	}
	return (from*from + to*to) / (2 * math.Abs(to-from)) //nolint:mnd // of two triangles
}
