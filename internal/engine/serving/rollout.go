package serving

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// rollout is one change on its way.
type rollout struct {
	plan   plan
	fleets map[string]*fleet // what would serve, by variant
	fresh  []string          // variants whose fleet is new and must prove itself
	former map[*fleet]bounds // what fleets that stay had before
}

// rollOut brings a wanted spec in force, or gives it up. An error is the
// engine's own trouble: the change stays wanted.
func (e *endpoint) rollOut(ctx context.Context, r record) error {
	p, err := e.s.resolve(ctx, *r.Wanted, r.WantedRevision)
	if err != nil {
		return e.giveUp(ctx, r.WantedRevision, err)
	}
	change := e.assemble(p)
	e.sweep(ctx)
	if err := e.prove(ctx, change); err != nil {
		change.undo()
		if ctx.Err() != nil {
			return nil //nolint:nilerr // superseded or closing: not the change's failure
		}
		stop(e.candidates)
		e.candidates = map[string]*fleet{}
		return e.giveUp(ctx, p.revision, err)
	}
	return e.switchTo(ctx, change)
}

// assemble finds or makes a fleet for every variant of a plan. Fleets of a
// change that was broken off are taken over where they fit, else ended.
func (e *endpoint) assemble(p plan) *rollout {
	change := &rollout{plan: p, fleets: map[string]*fleet{}, former: map[*fleet]bounds{}}
	current, leftover := e.fleets(), e.candidates
	e.candidates = map[string]*fleet{}
	for _, v := range p.variants {
		if f := current[v.name]; f != nil && f.launch.content == v.content {
			change.keep(f, v)
			continue
		}
		f := leftover[v.name]
		if f != nil && f.launch.content == v.content {
			delete(leftover, v.name)
			f.rebound(v)
		} else {
			f = e.newFleet(v, p.requestTimeout())
			f.adopt()
		}
		change.fleets[v.name], e.candidates[v.name] = f, f
		change.fresh = append(change.fresh, v.name)
	}
	stop(leftover)
	return change
}

// keep takes a fleet over that serves already.
func (c *rollout) keep(f *fleet, v planned) {
	c.fleets[v.name] = f
	c.former[f] = f.rebound(v)
}

// undo gives fleets that stay the bounds that they had.
func (c *rollout) undo() {
	for f, b := range c.former {
		f.setBounds(b)
	}
}

// prove returns when everything new is ready and has passed the smoke test.
func (e *endpoint) prove(ctx context.Context, c *rollout) error {
	current := e.fleets()
	for _, name := range c.fresh {
		f := c.fleets[name]
		e.progress(ctx, c.plan.revision, fmt.Sprintf("variant %q: preparing the model server's environment", name))
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
	e.progress(ctx, c.plan.revision, "waiting for model servers to become ready")
	for _, name := range slices.Sorted(maps.Keys(c.fleets)) {
		if err := c.fleets[name].await(ctx, c.needs(name)); err != nil {
			return err
		}
	}
	return e.smokeTests(ctx, c)
}

// needs is how many ready servers of a variant a change waits for: all that a
// new one starts with, and of one that stays those that it must have more.
func (c *rollout) needs(name string) int {
	f := c.fleets[name]
	former, stays := c.former[f]
	switch {
	case !stays:
		return f.size()
	case f.bounds.low > former.low:
		return int(f.bounds.low)
	}
	return 0
}

// switchTo moves the traffic, records that the change is in force, and ends
// what no longer serves.
func (e *endpoint) switchTo(ctx context.Context, c *rollout) error {
	before, old := e.inForce, e.fleets()
	if err := e.route(c.plan, c.fleets); err != nil {
		e.log.Error("requests are not captured", "error", err)
	}
	if err := e.settle(ctx, c.plan); err != nil {
		if len(old) > 0 {
			err = errors.Join(err, e.route(before, old))
		}
		return err
	}
	e.candidates = map[string]*fleet{}
	retired := map[string]*fleet{}
	for name, f := range old {
		if c.fleets[name] != f {
			retired[name] = f
		}
	}
	stop(retired)
	e.log.Info("endpoint changed", "revision", c.plan.revision, "new", c.fresh)
	return nil
}

// settle records that a plan is in force. A newer change that was accepted in
// the meantime stays wanted.
func (e *endpoint) settle(ctx context.Context, p plan) error {
	_, err := e.s.table.Change(context.WithoutCancel(ctx), e.id, func(_ *store.Tx, r *record) error {
		r.Status = p.status(e.s.url(e.id))
		if r.WantedRevision == p.revision && r.Phase == mlops.PhasePending {
			r.Settle()
			return nil
		}
		r.Spec, r.Revision = p.spec, p.revision
		return nil
	})
	return err
}

// giveUp records that a change failed, unless it is no longer wanted.
func (e *endpoint) giveUp(ctx context.Context, revision string, why error) error {
	e.log.Warn("endpoint change failed", "revision", revision, "error", why)
	_, err := e.s.table.Change(ctx, e.id, func(_ *store.Tx, r *record) error {
		if r.WantedRevision == revision && r.Phase == mlops.PhasePending {
			r.RollBack(why.Error())
		}
		return nil
	})
	return err
}

// progress tells how far a change is. It is for people: a failure to write it
// is no failure.
func (e *endpoint) progress(ctx context.Context, revision, what string) {
	_, err := e.s.table.Change(ctx, e.id, func(_ *store.Tx, r *record) error {
		if r.WantedRevision == revision && r.Phase == mlops.PhasePending {
			r.Reason = what
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		e.log.Warn("write progress", "error", err)
	}
}
