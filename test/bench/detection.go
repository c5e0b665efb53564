package main

import (
	"context"
	"math/rand/v2"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/drift"
)

// What is detected: a shift by half a standard deviation of one of ten features,
// against a baseline of 5,000 rows.
const (
	detectionFeatures = 10
	detectionBaseline = 5000
	detectionShift    = 0.5
)

// measureDetection finds how many rows a window must have for a shift to be
// noticed nine times of ten.
func measureDetection(ctx context.Context, s site) ([]result, error) {
	trials := 200
	if s.short {
		trials = 50
	}
	profile := detectionProfile()
	var out []result
	for _, statistic := range []string{drift.PSI, drift.KS, drift.JS, drift.Wasserstein, drift.ChiSquare} {
		name := "rows until a shift of half a deviation is noticed, " + statistic
		rows, share := 0, 0.0
		for _, rows = range []int{20, 50, 100, 150, 200, 300, 500, 700, 1000, 2000, 5000, 10_000} {
			if share = noticedShare(profile, statistic, rows, trials); share >= 0.9 || ctx.Err() != nil {
				break
			}
		}
		out = append(out, figure(name, float64(rows), "rows").
			because("in %.0f %% of %d windows, at the threshold of %g", 100*share, trials, drift.DefaultThreshold(statistic)))
	}
	return out, ctx.Err()
}

func detectionProfile() *drift.Profile {
	names := columns()[:detectionFeatures]
	c := drift.NewCollector(names)
	r := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // data need no secrecy
	for i := range names {
		c.Numbers(i, normals(r, detectionBaseline, 0))
	}
	c.Rows(detectionBaseline)
	return c.Profile()
}

// noticedShare is the share of windows in which the shift is noticed.
func noticedShare(p *drift.Profile, statistic string, rows, trials int) float64 {
	noticed := 0
	for trial := range trials {
		r := rand.New(rand.NewPCG(uint64(trial), 2)) //nolint:gosec // data need no secrecy
		w := drift.NewWindow(p)
		w.Numbers(0, normals(r, rows, detectionShift))
		for i := 1; i < detectionFeatures; i++ {
			w.Numbers(i, normals(r, rows, 0))
		}
		if w.Compare(drift.Options{Statistic: statistic})[0].Drifted {
			noticed++
		}
	}
	return float64(noticed) / float64(trials)
}

func normals(r *rand.Rand, n int, mean float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = r.NormFloat64() + mean
	}
	return out
}
