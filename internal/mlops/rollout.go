package mlops

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The rollout strategies.
const (
	RolloutAllAtOnce = "all_at_once" // all traffic moves when everything new is ready
	RolloutCanary    = "canary"      // traffic moves by the given steps, each observed
	RolloutLinear    = "linear"      // traffic moves by equal increments, each observed
	RolloutBlueGreen = "blue_green"  // all traffic moves at once, is observed, and moves back if need be
	RolloutShadow    = "shadow"      // copies of requests are observed before any answer is used
)

// Strategies lists the rollout strategies.
func Strategies() []string {
	return []string{RolloutAllAtOnce, RolloutCanary, RolloutLinear, RolloutBlueGreen, RolloutShadow}
}

// Values of a rollout where it is silent.
const (
	DefaultBake      = time.Minute      // of each step
	DefaultIncrement = 20               // percent, of a linear rollout
	DefaultGateWait  = 10 * time.Minute // for the requests that a gate needs, beyond the bake
)

// Rollout says how a change reaches traffic.
type Rollout struct {
	Strategy  string   `json:"strategy"`            // one of Strategies
	Steps     []int64  `json:"steps,omitempty"`     // canary: percent of traffic on the new versions, rising; default 10, 50. shadow: one, percent of requests copied; default 100
	Increment int64    `json:"increment,omitempty"` // linear: percent added by each step; default 20
	Bake      Duration `json:"bake,omitempty"`      // how long each step is observed; default 1m
	Gates     *Gates   `json:"gates,omitempty"`     // what each step must keep to; without it, only the servers must stay up
	// KeepPrevious is how long the servers of what was replaced stay warm, so that
	// going back takes seconds. Nil is the platform's own; see Previous.
	KeepPrevious *Duration `json:"keep_previous,omitempty"`
}

// Gates are what the new versions must keep to during each step of a rollout.
// A limit that is nil or zero is not judged.
type Gates struct {
	MaxErrorPercent *float64 `json:"max_error_percent,omitempty"` // share of requests that fail, 0 to 100
	MaxP50          Duration `json:"max_p50,omitempty"`           // of the time that answers take
	MaxP95          Duration `json:"max_p95,omitempty"`
	MaxP99          Duration `json:"max_p99,omitempty"`
	// MinRequests is how many requests the new versions must have answered before
	// a step is judged; default 0, which also passes a step without any.
	MinRequests int64 `json:"min_requests,omitempty"`
	// Wait is how long beyond the bake a step waits for MinRequests; then it
	// fails. Default 10m.
	Wait Duration `json:"wait,omitempty"`
	// SmokeTest repeats the endpoint's smoke test against the new versions at the
	// end of each step.
	SmokeTest bool `json:"smoke_test,omitempty"`
}

// Figures are what was measured of some requests.
type Figures struct {
	Requests int64    `json:"requests"`
	Errors   int64    `json:"errors"` // requests that failed: a status of 500 or more, or an answer cut short
	P50      Duration `json:"p50"`    // of the time that answers took
	P95      Duration `json:"p95"`
	P99      Duration `json:"p99"`
}

// ErrorPercent is the share of requests that failed, 0 to 100.
func (f Figures) ErrorPercent() float64 {
	if f.Requests == 0 {
		return 0
	}
	return 100 * float64(f.Errors) / float64(f.Requests)
}

// String writes the figures for a sentence.
func (f Figures) String() string {
	return fmt.Sprintf("%d requests, %.2f %% failed, p50 %s, p95 %s, p99 %s", f.Requests, f.ErrorPercent(), round(f.P50), round(f.P95), round(f.P99))
}

func round(d Duration) time.Duration { return time.Duration(d).Round(100 * time.Microsecond) }

// Measured reports whether the gates judge figures, and not the smoke test alone. Gates
// may be nil.
func (g *Gates) Measured() bool {
	if g == nil {
		return false
	}
	rest := *g
	rest.SmokeTest, rest.Wait = false, 0
	return rest != (Gates{})
}

// Enough reports whether there are as many requests as the gates need. Gates
// may be nil.
func (g *Gates) Enough(f Figures) bool { return g == nil || f.Requests >= g.MinRequests }

// Judge returns what the figures break, each with the limit and the measure, in
// words. None means that the gates are passed. Whether there are enough
// requests to judge is Enough's business. Gates may be nil.
func (g *Gates) Judge(f Figures) []string {
	if g == nil {
		return nil
	}
	var broken []string
	if limit := g.MaxErrorPercent; limit != nil && f.ErrorPercent() > *limit {
		broken = append(broken, fmt.Sprintf("%.2f %% of %d requests failed, more than max_error_percent = %g", f.ErrorPercent(), f.Requests, *limit))
	}
	for _, q := range []struct {
		name            string
		limit, measured Duration
	}{{"p50", g.MaxP50, f.P50}, {"p95", g.MaxP95, f.P95}, {"p99", g.MaxP99, f.P99}} {
		if q.limit != 0 && f.Requests > 0 && q.measured > q.limit {
			broken = append(broken, fmt.Sprintf("%s of %d requests was %s, more than max_%s = %s", q.name, f.Requests, round(q.measured), q.name, time.Duration(q.limit)))
		}
	}
	return broken
}

// Stages returns the percentages of traffic that the new versions have in turn,
// before they have all of it. A rollout that is nil, or all at once, has none.
// Those of blue_green and shadow are not shares of answers: 100 for blue_green,
// which is observed with all of the traffic, and the percentage of requests
// that is copied for shadow.
func (r *Rollout) Stages() []int64 {
	if r == nil {
		return nil
	}
	switch r.Strategy {
	case RolloutCanary:
		if len(r.Steps) == 0 {
			return []int64{10, 50}
		}
		return r.Steps
	case RolloutLinear:
		return linear(r.Increment)
	case RolloutBlueGreen:
		return []int64{100}
	case RolloutShadow:
		if len(r.Steps) == 0 {
			return []int64{100}
		}
		return r.Steps[:1]
	}
	return nil
}

func linear(increment int64) []int64 {
	if increment <= 0 {
		increment = DefaultIncrement
	}
	var steps []int64
	for p := increment; p < 100; p += increment {
		steps = append(steps, p)
	}
	return steps
}

// Previous is how long what was replaced stays warm. Silent is the platform's own, for
// a rollout that does not say: none where keeping is a part of the change, which would
// be that much longer. A rollout that is nil keeps nothing.
func (r *Rollout) Previous(silent time.Duration) time.Duration {
	switch {
	case r == nil:
		return 0
	case r.KeepPrevious == nil:
		return silent
	}
	return time.Duration(*r.KeepPrevious)
}

func (r *Rollout) validate(c *Checker, at Path, smokeTest *SmokeTest) {
	if r == nil {
		return
	}
	if !slices.Contains(Strategies(), r.Strategy) {
		c.Add(at.With("strategy"), "Unknown strategy", "%q is no rollout strategy; use one of %s.%s", r.Strategy, strings.Join(Strategies(), ", "), DidYouMean(r.Strategy, Strategies()))
		return
	}
	r.validateSteps(c, at)
	checkPositive(c, at.With("bake"), r.Bake)
	if r.KeepPrevious != nil {
		checkPositive(c, at.With("keep_previous"), *r.KeepPrevious)
	}
	r.Gates.validate(c, at.With("gates"), smokeTest)
	if r.Strategy == RolloutAllAtOnce && r.Gates != nil {
		c.AddIf(at.With("gates"), []Path{at.With("strategy"), at.With("gates")}, "Gates that are never judged", "Strategy \"all_at_once\" has no step to judge; use \"blue_green\" to move all traffic at once and judge it.")
	}
}

func (r *Rollout) validateSteps(c *Checker, at Path) {
	steps, both := at.With("steps"), []Path{at.With("strategy"), at.With("steps")}
	switch {
	case len(r.Steps) > 0 && r.Strategy != RolloutCanary && r.Strategy != RolloutShadow:
		c.AddIf(steps, both, "Steps not used", "Strategy %q has no steps of its own; use \"canary\" to say them.", r.Strategy)
	case r.Strategy == RolloutShadow && len(r.Steps) > 1:
		c.AddIf(steps, both, "Too many steps", "Strategy \"shadow\" has one step: the percentage of requests that is copied.")
	}
	top := int64(99)
	if r.Strategy == RolloutShadow {
		top = 100
	}
	for i, p := range r.Steps {
		if p < 1 || p > top {
			c.Add(steps.With(i), "Not a step", "A step is a percentage from 1 to %d; it is %d. All traffic follows after the last step by itself.", top, p)
		}
		if i > 0 && p <= r.Steps[i-1] {
			c.Add(steps.With(i), "Steps do not rise", "Each step must be larger than the one before; %d follows %d.", p, r.Steps[i-1])
		}
	}
	r.validateIncrement(c, at)
}

func (r *Rollout) validateIncrement(c *Checker, at Path) {
	if r.Increment != 0 && r.Strategy != RolloutLinear {
		c.AddIf(at.With("increment"), []Path{at.With("strategy"), at.With("increment")}, "Increment not used", "Only strategy \"linear\" has an increment.")
	}
	if r.Increment < 0 || r.Increment > 99 {
		c.Add(at.With("increment"), "Not an increment", "The increment is a percentage from 1 to 99; it is %d.", r.Increment)
	}
}

// validate also refuses gates that can never pass.
func (g *Gates) validate(c *Checker, at Path, smokeTest *SmokeTest) {
	if g == nil {
		return
	}
	if p := g.MaxErrorPercent; p != nil && !(*p >= 0 && *p <= 100) {
		c.Add(at.With("max_error_percent"), "Not a percentage", "max_error_percent is from 0 to 100; it is %g.", *p)
	}
	limits := []struct {
		name string
		max  Duration
	}{{"max_p50", g.MaxP50}, {"max_p95", g.MaxP95}, {"max_p99", g.MaxP99}}
	var below struct {
		name string
		max  Duration
	}
	for _, l := range limits {
		checkPositive(c, at.With(l.name), l.max)
		if l.max <= 0 {
			continue
		}
		if l.max < below.max {
			c.AddIf(at.With(l.name), []Path{at.With(below.name), at.With(l.name)}, "Limits crossed", "%s (%s) is below %s (%s): the longer a share of requests may take, the larger its limit must be.", l.name, time.Duration(l.max), below.name, time.Duration(below.max))
		}
		below = l
	}
	if g.MinRequests < 0 {
		c.Add(at.With("min_requests"), "Negative number of requests", "min_requests is 0 or more.")
	}
	checkPositive(c, at.With("wait"), g.Wait)
	if g.SmokeTest && smokeTest == nil {
		c.AddIf(at.With("smoke_test"), []Path{at.With("smoke_test"), At("smoke_test")}, "No smoke test", "The gate repeats the endpoint's smoke_test; give the endpoint one.")
	}
}

func (r *Rollout) uses(at Path) []Use {
	if r == nil || !slices.Contains(Strategies(), r.Strategy) {
		return nil
	}
	u := []Use{{Feature("model_endpoint.rollout.strategy." + r.Strategy), at.With("strategy")}}
	if r.Gates != nil {
		u = append(u, Use{FeatureEndpointGates, at.With("gates")})
	}
	if r.KeepPrevious != nil {
		u = append(u, Use{FeatureEndpointKeepPrevious, at.With("keep_previous")})
	}
	return u
}
