package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// endpoints is a target of endpoints: the one noun whose changes may have to be
// brought about step by step.
type endpoints = Target[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]

type endpointSeen = mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]

// rollout is a change of an endpoint that is driven from here, on a platform
// that has nothing but plain weights.
type rollout struct {
	target endpoints
	watch  *watch
	record func(mlops.Change)

	id     mlops.ID
	asked  mlops.ModelEndpointSpec
	back   mlops.ModelEndpointSpec // what is put in force again if a step fails
	mix    mixture
	stages []int64
	first  int  // the step to begin with, from 0
	moved  bool // a step is in force
}

// drive carries an update out step by step, where that is this package's to do.
// Otherwise it did nothing and driven is false.
func (t Target[Spec, Status]) drive(ctx context.Context, w *watch, spec Spec, record func(mlops.Change)) (seen mlops.Observed[Spec, Status], driven bool, err error) {
	target, ok := any(t).(endpoints)
	asked, isEndpoint := any(spec).(mlops.ModelEndpointSpec)
	if !ok || !isEndpoint || !target.emulates() {
		return seen, false, nil
	}
	found, driven, err := target.rollOut(ctx, w, asked, record)
	seen, _ = any(present(found)).(mlops.Observed[Spec, Status])
	if err != nil {
		err = t.fault(ctx, w, err)
	}
	return seen, driven, err
}

// emulates reports whether any strategy is to be driven from here.
func (t Target[Spec, Status]) emulates() bool {
	for _, s := range mlops.Strategies() {
		if s != mlops.RolloutAllAtOnce && t.emulatesStrategy(s) {
			return true
		}
	}
	return false
}

func (t Target[Spec, Status]) emulatesStrategy(strategy string) bool {
	return t.Capabilities.Features[mlops.Feature("model_endpoint.rollout.strategy."+strategy)].Support == mlops.Emulated
}

// stages are the steps that a spec's rollout takes here. There are none for a
// strategy that is the platform's own.
func (t Target[Spec, Status]) stages(spec mlops.ModelEndpointSpec) []int64 {
	if spec.Rollout == nil || !t.emulatesStrategy(spec.Rollout.Strategy) {
		return nil
	}
	return spec.Rollout.Stages()
}

// rollOut finds out what is in force, and goes on from there. It returns errors
// that are not wrapped yet.
func (t Target[Spec, Status]) rollOut(ctx context.Context, w *watch, asked mlops.ModelEndpointSpec, record func(mlops.Change)) (endpointSeen, bool, error) {
	target, _ := any(t).(endpoints)
	r := &rollout{target: target, watch: w, record: record, id: w.id, asked: asked, stages: target.stages(asked)}
	before, err := target.look(ctx, w.id)
	if err == nil && !r.supersedes(before) {
		before, err = target.settle(ctx, w, w.id, restGoal)
	}
	if err != nil {
		return before, true, err
	}
	if before.Spec.Transition != nil {
		seen, done, err := r.resume(ctx, before)
		if done || err != nil {
			return seen, true, err
		}
		before = seen
	}
	if !r.moved {
		r.back, r.mix = before.Spec, mixtureOf(before.Spec.Variants, asked.Variants)
	}
	if len(r.stages) == 0 || before.Phase == mlops.PhaseFailed || len(r.mix.fresh()) == 0 || !isWhole(r.mix.from) {
		return before, false, nil
	}
	if err := r.possible(); err != nil {
		return before, true, err
	}
	seen, err := r.run(ctx, before)
	return seen, true, err
}

// supersedes reports whether the change can begin at once. One that is under way and
// moved no traffic yet gives way: whoever corrects a mistake need not wait until the
// platform has given up on it. What a rollout in steps left half done comes to rest first.
func (r *rollout) supersedes(before endpointSeen) bool {
	switch {
	case before.Phase != mlops.PhasePending:
		return true
	case before.Spec.Transition != nil:
		return false
	}
	return len(r.stages) == 0 || len(before.Status.Serving) > 0
}

// isWhole reports whether variants share out all traffic. Where somebody took servers
// away, or moved weights, there is nothing that works to move traffic away from in
// steps, and nothing to go back to: what is asked for is put in force at once.
func isWhole(variants map[string]mlops.Variant) bool {
	var sum int64
	for _, v := range variants {
		sum += v.Traffic
	}
	return sum == 100
}

// restGoal is reached when nothing is under way.
func restGoal(seen endpointSeen) (verdict, time.Duration) {
	if seen.Phase == mlops.PhasePending {
		return waiting, 0
	}
	return reached, 0
}

// resume takes up a rollout that was interrupted. The same change goes on at the
// step that was reached; for any other, what was there before is put in force
// first. It is done if that is all that was asked for.
func (r *rollout) resume(ctx context.Context, before endpointSeen) (seen endpointSeen, done bool, err error) {
	left := before.Spec.Transition
	r.back = before.Spec
	r.back.Variants, r.back.Transition = left.From, nil
	if mlops.DigestOf(left.To) != mlops.DigestOf(r.asked.Variants) {
		seen, err := r.apply(ctx, r.back)
		return seen, err == nil && mlops.DigestOf(r.back) == mlops.DigestOf(r.asked), err
	}
	r.mix, r.moved = mixtureOf(left.From, left.To), true
	if mlops.DigestOf(before.Spec.Rollout) == mlops.DigestOf(r.asked.Rollout) {
		r.first = min(int(left.Step), max(len(r.stages)-1, 0))
	}
	return before, false, nil
}

// possible refuses gates that cannot be judged here, before anything is moved.
func (r *rollout) possible() error {
	g := r.asked.Rollout.Gates
	if g == nil {
		return nil
	}
	limits := *g
	limits.SmokeTest, limits.Wait = false, 0
	if _, ok := r.target.Kind.(mlops.Measurer); !ok && limits != (mlops.Gates{}) {
		return unsupported("rollout.gates", "errors and latency of single variants cannot be measured here; leave these gates out")
	}
	if _, ok := r.target.Kind.(mlops.Prober); !ok && g.SmokeTest {
		return unsupported("rollout.gates.smoke_test", "the smoke test cannot be repeated here; it is made once, before a new version gets traffic")
	}
	return nil
}

func unsupported(field, words string) error {
	return &mlops.Error{Code: mlops.Unsupported, Field: field, Err: errors.New(words)}
}

// run takes the steps, then puts in force what was asked for.
func (r *rollout) run(ctx context.Context, last endpointSeen) (endpointSeen, error) {
	for step := r.first; step < len(r.stages); step++ {
		seen, err := r.step(ctx, step)
		if err != nil {
			return r.giveUp(ctx, newest(seen, last), r.titled(ctx, step, err))
		}
		last = seen
	}
	seen, err := r.apply(ctx, r.asked)
	if err != nil {
		return r.giveUp(ctx, newest(seen, last), err)
	}
	return seen, nil
}

// newest is a look, or the one before it where there was none.
func newest(seen, last endpointSeen) endpointSeen {
	if seen.Ref == "" {
		return last
	}
	return seen
}

// step moves a share of the traffic and observes it.
func (r *rollout) step(ctx context.Context, step int) (endpointSeen, error) {
	spec := r.asked
	spec.Variants = r.mix.at(r.stages[step])
	spec.Transition = &mlops.Transition{From: r.mix.from, To: r.mix.to, Step: int64(step)}
	seen, err := r.apply(ctx, spec)
	if err != nil {
		return seen, err
	}
	r.moved = true
	return seen, r.observe(ctx, step)
}

// apply puts a spec in force.
func (r *rollout) apply(ctx context.Context, spec mlops.ModelEndpointSpec) (endpointSeen, error) {
	r.watch.missing, r.watch.astray = time.Time{}, time.Time{}
	change, err := r.target.start(ctx, r.record, func() (mlops.Change, error) { return r.target.Kind.Update(ctx, r.id, spec) })
	if err != nil {
		return endpointSeen{}, err
	}
	return r.target.settle(ctx, r.watch, change.Ref, readyGoal[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus](change.Revision))
}

// titled tells in which step an error came about.
func (r *rollout) titled(ctx context.Context, step int, err error) error {
	if ctx.Err() != nil {
		return err
	}
	out := mlops.NewError(r.target.codeOf(ctx, err), fmt.Errorf("%s: %w", r.title(step), words(err)))
	if e, ok := errors.AsType[*mlops.Error](err); ok {
		out.Field, out.Request = e.Field, e.Request
	}
	return out
}

// giveUp puts in force what was there before, unless ctx has ended: then the
// platform keeps how far it came, for the next update to go on.
func (r *rollout) giveUp(ctx context.Context, last endpointSeen, why error) (endpointSeen, error) {
	if !r.moved || ctx.Err() != nil {
		return last, why
	}
	code := r.target.codeOf(ctx, why)
	tflog.Warn(ctx, "going back", map[string]any{"id": string(r.id), "reason": why.Error()})
	seen, err := r.apply(ctx, r.back)
	switch {
	case err == nil:
		return seen, mlops.NewError(code, fmt.Errorf("%w; what served before has all of the traffic again", words(why)))
	case ctx.Err() != nil:
		return newest(seen, last), err
	}
	return newest(seen, last), mlops.NewError(code, fmt.Errorf("%w; going back did not work either: %w", words(why), words(err)))
}

// title names a step for people.
func (r *rollout) title(step int) string { return titleOf(r.asked.Rollout, r.stages, step) }

func titleOf(r *mlops.Rollout, stages []int64, step int) string {
	return fmt.Sprintf("step %d of %d (%s, %d %% of the traffic on the new versions)", step+1, len(stages), r.Strategy, stages[step])
}
