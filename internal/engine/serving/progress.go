package serving

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// rolloutStatus is how far a change is.
type rolloutStatus mlops.RolloutStatus

// doing says what a step does.
func (s rolloutStatus) doing() string {
	switch s.Strategy {
	case mlops.RolloutShadow:
		return fmt.Sprintf("shadow, %d %% of requests copied to the new versions", s.Percent)
	case mlops.RolloutBlueGreen:
		return "blue_green, all requests on the new versions"
	}
	return fmt.Sprintf("%s, %d %% of requests on the new versions", s.Strategy, s.Percent)
}

// statusOf begins the status of a change, or goes on with the one that an
// earlier engine left.
func (e *endpoint) statusOf(c *rollout, left *mlops.RolloutStatus) rolloutStatus {
	s := rolloutStatus{
		Revision: c.plan.revision, Strategy: mlops.RolloutAllAtOnce, State: mlops.RolloutRunning,
		Steps: int64(len(c.stages)), Candidate: map[string]mlops.Serving{}, StartedAt: e.s.now().UTC(),
	}
	if r := c.plan.spec.Rollout; r != nil {
		s.Strategy = r.Strategy
	}
	for name, serving := range c.plan.serving() {
		if c.isFresh(name) {
			s.Candidate[name] = serving
		}
	}
	if left != nil && left.Revision == s.Revision && left.State == mlops.RolloutRunning {
		s.StartedAt, s.Step = left.StartedAt, min(left.Step, s.Steps)
	}
	return s
}

// ended is the status of a change that is over.
func (s rolloutStatus) ended(state, reason string, at time.Time) *mlops.RolloutStatus {
	s.State, s.Reason, s.EndedAt = state, reason, at.UTC()
	s.Percent = 100
	if state == mlops.RolloutRolledBack {
		s.Percent = 0
	}
	return s.copied()
}

func (s rolloutStatus) copied() *mlops.RolloutStatus {
	out := mlops.RolloutStatus(s)
	out.Candidate = maps.Clone(s.Candidate)
	return &out
}

// show makes the status of a change known without writing it down.
func (e *endpoint) show(s rolloutStatus) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.shown = s.copied()
}

// rollout returns the status of the change that is under way, as it was shown
// last, if it is this one.
func (e *endpoint) rolloutNow(recorded *mlops.RolloutStatus) *mlops.RolloutStatus {
	e.mu.Lock()
	defer e.mu.Unlock()
	if recorded == nil || e.shown == nil || recorded.State != mlops.RolloutRunning || recorded.Revision != e.shown.Revision {
		return recorded
	}
	return rolloutStatus(*e.shown).copied()
}

// note writes down how far a change is, for people, and for the engine that
// takes it up should this one end. A failure to write it is none of the change.
func (e *endpoint) note(ctx context.Context, c *rollout, what string) {
	e.show(c.status)
	_, err := e.s.table.Change(ctx, e.id, func(_ *store.Tx, r *record) error {
		if r.WantedRevision == c.plan.revision && r.Phase == mlops.PhasePending {
			r.Reason, r.Status.Rollout = what, c.status.copied()
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		e.log.Warn("write progress", "error", err)
	}
}

// settle records that a change is in force. A newer one that was accepted in the
// meantime stays wanted. What it replaced is written down with until when it
// stays warm, if it replaced anything.
func (e *endpoint) settle(ctx context.Context, c *rollout, replaced bool, until time.Time) error {
	_, err := e.s.table.Change(context.WithoutCancel(ctx), e.id, func(_ *store.Tx, r *record) error {
		st, p := &r.Status, c.plan
		if replaced {
			st.Previous, st.PreviousUntil = st.Serving, until
		}
		st.URL, st.Serving, st.Replicas = e.s.url(e.id), c.servingSince(st.Serving, e.s.now()), map[string]int64{}
		st.Rollout = c.status.ended(mlops.RolloutDone, "", e.s.now())
		if r.WantedRevision == p.revision && r.Phase == mlops.PhasePending {
			r.Settle()
			return nil
		}
		r.Spec, r.Revision = p.spec, p.revision
		return nil
	})
	return err
}

// servingSince is what answers once the change is in force, with since when: what
// answered before for the same variant goes on, what is new began with the first
// step that gave it requests, or begins now.
func (c *rollout) servingSince(before map[string]mlops.Serving, now time.Time) map[string]mlops.Serving {
	out := c.plan.serving()
	for name, s := range out {
		switch former := before[name]; {
		case s.Traffic == 0:
		case former.Version == s.Version && former.Traffic > 0:
			s.Since = former.Since
		case c.isFresh(name) && !c.since.IsZero():
			s.Since = c.since
		default:
			s.Since = now.UTC()
		}
		out[name] = s
	}
	return out
}

// giveUp records that a change failed, unless it is no longer wanted. c is nil
// for one that never began.
func (e *endpoint) giveUp(ctx context.Context, revision string, c *rollout, why error) error {
	e.log.Warn("endpoint change failed", "revision", revision, "error", why)
	_, err := e.s.table.Change(ctx, e.id, func(_ *store.Tx, r *record) error {
		if r.WantedRevision == revision && r.Phase == mlops.PhasePending {
			r.RollBack(why.Error())
		}
		c.endIn(r, why.Error(), e.s.now())
		return nil
	})
	return err
}

// superseded records that a change gave way to a newer one, which may have been
// accepted and given up itself by then.
func (e *endpoint) superseded(ctx context.Context, c *rollout) {
	_, err := e.s.table.Change(context.WithoutCancel(ctx), e.id, func(_ *store.Tx, r *record) error {
		c.endIn(r, errSuperseded.Error(), e.s.now())
		return nil
	})
	if err != nil && mlops.CodeOf(err) != mlops.NotFound {
		e.log.Warn("write progress", "error", err)
	}
}

// endIn notes in a record that the change is over without being in force.
func (c *rollout) endIn(r *record, reason string, at time.Time) {
	if c != nil && r.Status.Rollout != nil && r.Status.Rollout.Revision == c.plan.revision {
		r.Status.Rollout = c.status.ended(mlops.RolloutRolledBack, reason, at)
	}
}
