package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// looksPerBake is how often a step is looked at while it bakes.
const looksPerBake = 20

// trial is one step of a rollout while it is observed.
type trial struct {
	gates   *mlops.Gates
	bake    time.Duration
	began   time.Time
	figures mlops.Figures // as measured last
	missed  error         // why the last measure failed, nil if it did not
}

// observe returns nil when a step has passed, else what it broke. A step that
// cannot pass any more fails at once; one with too few requests is extended.
func (r *rollout) observe(ctx context.Context, step int) error {
	t := &trial{gates: r.asked.Rollout.Gates, bake: r.asked.Rollout.Bake.Or(mlops.DefaultBake), began: time.Now()}
	r.watch.saw(ctx, mlops.PhasePending, fmt.Sprintf("%s is observed for %s", r.title(step), t.bake))
	for {
		passed, err := r.judge(ctx, t)
		if err != nil {
			return err
		}
		if passed {
			return r.probe(ctx)
		}
		if err := rest(ctx, t.pause()); err != nil {
			return err
		}
	}
}

// judge looks at the endpoint and its figures once.
func (r *rollout) judge(ctx context.Context, t *trial) (passed bool, err error) {
	seen, err := r.target.look(ctx, r.id)
	if err != nil {
		return false, err
	}
	if seen.Phase == mlops.PhaseFailed {
		return false, mlops.NewError(mlops.Failed, fmt.Errorf("the endpoint failed: %s", seen.Reason))
	}
	if err := r.measure(ctx, t); err != nil {
		return false, err
	}
	return t.judge(time.Since(t.began))
}

// measure takes the figures of the new versions in this step. What passes is
// noted, for the next look to do better.
func (r *rollout) measure(ctx context.Context, t *trial) error {
	measurer, ok := r.target.Kind.(mlops.Measurer)
	if !ok || !t.gates.Measured() {
		return nil
	}
	all, err := measurer.Measure(ctx, r.id, t.began)
	if err != nil {
		t.missed = err
		switch r.target.codeOf(ctx, err) {
		case mlops.Unavailable, mlops.NotFound, mlops.Timeout, mlops.Unknown:
			return ctx.Err()
		}
		return fmt.Errorf("the new versions cannot be measured: %w", err)
	}
	t.figures, t.missed = together(all, r.mix.fresh()), nil
	return nil
}

// together adds figures up. The quantiles of several variants cannot be known
// from each one's own; the worst is no better than the truth.
func together(all map[string]mlops.Figures, names []string) mlops.Figures {
	var sum mlops.Figures
	for _, name := range names {
		f := all[name]
		sum.Requests += f.Requests
		sum.Errors += f.Errors
		sum.P50, sum.P95, sum.P99 = max(sum.P50, f.P50), max(sum.P95, f.P95), max(sum.P99, f.P99)
	}
	return sum
}

// judge decides about what was measured in a part of the step.
func (t *trial) judge(elapsed time.Duration) (passed bool, err error) {
	broken := t.gates.Judge(t.figures)
	switch {
	case elapsed < t.bake:
		if len(broken) > 0 && t.missed == nil && t.hopeless(elapsed) {
			return false, t.broke(broken, fmt.Sprintf("%s of %s", tidy(elapsed), t.bake))
		}
		return false, nil
	case t.missed != nil || !t.gates.Enough(t.figures):
		if elapsed >= t.bake+t.gates.Wait.Or(mlops.DefaultGateWait) {
			return false, t.unjudged(elapsed)
		}
		return false, nil
	case len(broken) > 0:
		return false, t.broke(broken, tidy(elapsed).String())
	}
	return true, nil
}

// hopeless reports whether too many requests have failed even if every other one
// until the end of the bake is good, at the rate of requests so far.
func (t *trial) hopeless(elapsed time.Duration) bool {
	limit := t.gates.MaxErrorPercent
	if limit == nil || !t.gates.Enough(t.figures) || elapsed <= 0 {
		return false
	}
	expected := float64(t.figures.Requests) * float64(t.bake) / float64(elapsed)
	return float64(t.figures.Errors) > *limit/100*expected
}

func (t *trial) broke(broken []string, during string) error {
	return mlops.NewError(mlops.Failed, fmt.Errorf("%s; measured %s in %s", strings.Join(broken, "; "), t.figures, during))
}

// unjudged says why a step could not be judged in all of its time.
func (t *trial) unjudged(elapsed time.Duration) error {
	if t.missed != nil {
		return mlops.NewError(mlops.Failed, fmt.Errorf("the new versions could not be measured in %s: %w", tidy(elapsed), t.missed))
	}
	return mlops.NewError(mlops.Failed, fmt.Errorf("too few requests to judge in %s: min_requests = %d, measured %s", tidy(elapsed), t.gates.MinRequests, t.figures))
}

// pause is how long to rest before the next look; never past the end of the bake.
func (t *trial) pause() time.Duration {
	d := min(max(t.bake/looksPerBake, fastest), slowest)
	if left := t.bake - time.Since(t.began); left > 0 {
		d = min(d, left)
	}
	return d
}

// probe repeats the smoke test of the new versions, if the gates ask for it.
func (r *rollout) probe(ctx context.Context) error {
	prober, ok := r.target.Kind.(mlops.Prober)
	if g := r.asked.Rollout.Gates; !ok || g == nil || !g.SmokeTest {
		return nil
	}
	var errs []error
	for _, name := range r.mix.fresh() {
		err := r.target.persist(ctx, func() error { return prober.Probe(ctx, r.id, name) })
		if err != nil {
			errs = append(errs, fmt.Errorf("the smoke test of variant %q: %w", name, words(err)))
		}
	}
	if err := errors.Join(errs...); err != nil && ctx.Err() == nil {
		return mlops.NewError(mlops.Failed, err)
	}
	return ctx.Err()
}

// tidy rounds a duration for a sentence.
func tidy(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}
