package serving

import (
	"context"
	"fmt"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// stagesOf returns the steps that a change has to go through. There are none
// where they could tell nothing: nothing is in force that traffic could go back
// to, the endpoint is down, nothing that is new gets any requests, or all that
// is new served a moment ago and has been kept warm.
func (e *endpoint) stagesOf(c *rollout) []int64 {
	if len(e.fleets()) == 0 || !e.asleep.IsZero() {
		return nil
	}
	unknown := false
	for _, v := range c.plan.variants {
		f := c.fleets[v.name]
		unknown = unknown || c.isFresh(v.name) && v.share.Traffic > 0 && !f.isWarm()
	}
	if !unknown {
		return nil
	}
	return c.plan.spec.Rollout.Stages()
}

// advance takes a change through its steps, from the one that it had reached.
func (e *endpoint) advance(ctx context.Context, c *rollout) error {
	if len(c.stages) == 0 {
		return nil
	}
	for _, fleets := range []map[string]*fleet{e.fleets(), c.fleets} {
		for _, f := range fleets {
			f.hold(f.size()) // so that traffic can move, and move back, at any moment
			c.held = append(c.held, f)
		}
	}
	for c.status.Step = max(1, c.status.Step); c.status.Step <= int64(len(c.stages)); c.status.Step++ {
		if err := e.step(ctx, c, c.stages[c.status.Step-1]); err != nil {
			return fmt.Errorf("step %d of %d (%s): %w", c.status.Step, len(c.stages), c.status.doing(), err)
		}
	}
	c.status.Step = int64(len(c.stages))
	return nil
}

// step moves a share of the traffic and observes it.
func (e *endpoint) step(ctx context.Context, c *rollout, percent int64) error {
	meter, deaths := gateway.NewMeter(), c.deaths()
	c.status.Percent, c.status.Figures, c.status.StepAt = percent, mlops.Figures{}, e.s.now().UTC()
	bake := c.plan.spec.Rollout.Bake.Or(mlops.DefaultBake)
	e.note(ctx, c, fmt.Sprintf("step %d of %d: %s, observed for %s", c.status.Step, len(c.stages), c.status.doing(), bake))
	if err := e.publishStep(c, percent, meter); err != nil {
		e.log.Error("requests are not captured, or earlier figures are lost", "error", err)
	}
	t := trial{
		gates: c.plan.spec.Rollout.Gates, bake: bake, look: e.s.pace.figures, read: meter.Read,
		dead: func() error { return c.died(deaths) },
		seen: func(f mlops.Figures) {
			c.status.Figures = f
			e.show(c.status)
			if err := e.expire(ctx, e.s.now()); err != nil {
				e.log.Warn("end what served before", "error", err)
			}
		},
	}
	if err := t.observe(ctx); err != nil {
		return err
	}
	if g := t.gates; g != nil && g.SmokeTest {
		return e.smokeTests(ctx, c, c.fresh)
	}
	return nil
}

// publishStep shares the requests for a step.
func (e *endpoint) publishStep(c *rollout, percent int64, meter *gateway.Meter) error {
	before, after := sharesOf(e.inForce, e.fleets(), 1), sharesOf(c.plan, c.fleets, 1)
	if c.plan.spec.Rollout.Strategy != mlops.RolloutShadow {
		if c.since.IsZero() {
			c.since = c.status.StepAt
		}
		return e.publish(e.inForce, mix(before, after, percent, meter), nil, time.Time{})
	}
	var copies []share
	for _, s := range after {
		if c.isFresh(s.fleet.launch.variant) {
			s.meter = meter
			copies = append(copies, s)
		}
	}
	return e.publish(e.inForce, before, &gateway.Shadow{Percent: percent, Variants: variantsOf(copies)}, time.Time{})
}

// deaths counts the failures of the servers that are new, by variant.
func (c *rollout) deaths() map[string]int {
	out := map[string]int{}
	for _, name := range c.fresh {
		out[name], _ = c.fleets[name].fate()
	}
	return out
}

// died returns how a new server failed since failures were counted, or nil.
func (c *rollout) died(before map[string]int) error {
	for _, name := range c.fresh {
		if n, last := c.fleets[name].fate(); n > before[name] {
			return fmt.Errorf("a new model server failed: %w", last)
		}
	}
	return nil
}
