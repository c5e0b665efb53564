package serving

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// rollout is one change on its way.
type rollout struct {
	plan   plan
	fleets map[string]*fleet // what would serve, by variant
	fresh  []string          // variants whose fleet is not in force and must prove itself
	former map[*fleet]bounds // what fleets that stay had before
	held   []*fleet          // kept from being scaled down meanwhile
	stages []int64           // percentages of its steps
	status rolloutStatus
	since  time.Time // from when on what is new has answered requests; zero before
}

func (c *rollout) isFresh(variant string) bool { return slices.Contains(c.fresh, variant) }

// rollOut brings a wanted spec in force, or gives it up. An error is the
// engine's own trouble: the change stays wanted.
func (e *endpoint) rollOut(ctx context.Context, r record) error {
	p, err := e.s.resolve(ctx, *r.Wanted, r.WantedRevision)
	if err != nil {
		return e.giveUp(ctx, r.WantedRevision, nil, err)
	}
	c := e.assemble(p)
	c.stages = e.stagesOf(c)
	c.status = e.statusOf(c, r.Status.Rollout)
	e.sweep(ctx)
	err = e.prove(ctx, c)
	if err == nil {
		err = e.advance(ctx, c)
	}
	if err != nil {
		return e.goBack(ctx, c, err)
	}
	return e.switchTo(ctx, c)
}

// assemble finds or makes a fleet for every variant of a plan. Fleets of a
// change that was broken off, and those that are kept warm, are taken over where
// they fit.
func (e *endpoint) assemble(p plan) *rollout {
	c := &rollout{plan: p, fleets: map[string]*fleet{}, former: map[*fleet]bounds{}}
	current, leftover := e.fleets(), e.candidates
	e.candidates = map[string]*fleet{}
	for _, v := range p.variants {
		if f := current[v.name]; f != nil && f.launch.content == v.content {
			c.keep(f, v)
			continue
		}
		f := cmp.Or(take(leftover, v), take(e.warm, v))
		if f != nil {
			f.rebound(v)
		} else {
			f = e.newFleet(v, p.requestTimeout())
			f.adopt()
		}
		c.fleets[v.name], e.candidates[v.name] = f, f
		c.fresh = append(c.fresh, v.name)
	}
	e.dismiss(leftover)
	return c
}

// take removes the fleet that fits a variant and returns it, nil if there is
// none.
func take(from map[string]*fleet, v planned) *fleet {
	f := from[v.name]
	if f == nil || f.launch.content != v.content {
		return nil
	}
	delete(from, v.name)
	return f
}

// keep takes a fleet over that serves already.
func (c *rollout) keep(f *fleet, v planned) {
	c.fleets[v.name] = f
	c.former[f] = f.rebound(v)
}

// release lets the autoscaler have the fleets again.
func (c *rollout) release() {
	for _, f := range c.held {
		f.hold(0)
	}
	c.held = nil
}

// prove returns when everything new is ready and has passed the smoke test.
func (e *endpoint) prove(ctx context.Context, c *rollout) error {
	current := e.fleets()
	for _, name := range c.fresh {
		f := c.fleets[name]
		e.note(ctx, c, fmt.Sprintf("variant %q: preparing the model server's environment", name))
		if _, err := f.python(ctx); err != nil {
			return fmt.Errorf("variant %q: %w", name, err)
		}
		before := 0
		if old := current[name]; old != nil {
			before = old.size()
		}
		f.scale(f.bounds.first(before))
	}
	for f, former := range c.former {
		if low := int(f.bounds.low); low > int(former.low) {
			f.scale(max(low, f.size()))
		}
	}
	e.note(ctx, c, "waiting for model servers to become ready")
	for _, name := range slices.Sorted(maps.Keys(c.fleets)) {
		if err := c.fleets[name].await(ctx, c.needs(name)); err != nil {
			return err
		}
	}
	return e.smokeTests(ctx, c, e.unproven(c))
}

// needs is how many ready servers of a variant a change waits for: all that a
// new one starts with, of one that was kept warm those that it has, so that
// going back is at once, and of one that stays those that it must have more.
func (c *rollout) needs(name string) int {
	f := c.fleets[name]
	former, stays := c.former[f]
	switch {
	case !stays && f.isWarm():
		return f.bounds.atOnce()
	case !stays:
		return f.size()
	case f.bounds.low > former.low:
		return int(f.bounds.low)
	}
	return 0
}

// goBack has what is in force serve alone again, before anything else, and ends
// what is new, unless the change is only broken off: then it is taken up again,
// or its servers are of use to the next one.
func (e *endpoint) goBack(ctx context.Context, c *rollout, why error) error {
	if len(c.held) > 0 {
		if err := e.route(e.inForce, e.fleets()); err != nil {
			e.log.Error("requests are not captured, or earlier figures are lost", "error", err)
		}
		c.release()
	}
	for f, b := range c.former {
		f.setBounds(b)
	}
	if ctx.Err() != nil {
		if errors.Is(context.Cause(ctx), errSuperseded) {
			e.superseded(ctx, c)
		}
		return nil // not the change's failure
	}
	e.dismiss(e.candidates)
	e.candidates = map[string]*fleet{}
	return e.giveUp(ctx, c.plan.revision, c, why)
}

// switchTo moves all traffic, records that the change is in force, and ends what
// no longer serves, or keeps it warm.
func (e *endpoint) switchTo(ctx context.Context, c *rollout) error {
	before, old := e.inForce, e.fleets()
	replaced := c.replaces(old)
	until := e.warmUntilAfter(c, replaced)
	if err := e.route(c.plan, c.fleets); err != nil {
		e.log.Error("requests are not captured, or earlier figures are lost", "error", err)
	}
	c.release()
	if err := e.settle(ctx, c, len(replaced) > 0, until); err != nil {
		if len(old) > 0 {
			err = errors.Join(err, e.route(before, old))
		}
		return err
	}
	e.candidates = map[string]*fleet{}
	for _, f := range c.fleets {
		f.takeOver()
	}
	e.retire(replaced, until)
	e.log.Info("endpoint changed", "revision", c.plan.revision, "new", c.fresh)
	return nil
}

// replaces returns the fleets that the change leaves without requests.
func (c *rollout) replaces(old map[string]*fleet) map[string]*fleet {
	out := map[string]*fleet{}
	for name, f := range old {
		if c.fleets[name] != f {
			out[name] = f
		}
	}
	return out
}
