package runner

import (
	"context"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/schedule"
)

const (
	// lookEvery is how late a changed schedule may be noticed, unless
	// PipelinesChanged says so at once. It also bounds how late a fire is
	// after the machine slept or its clock was set.
	lookEvery = 15 * time.Second
	// firedTrigger is the trigger of a scheduled run. It makes each fire
	// another request, and the same fire, after a crash, the same one.
	firedTrigger = "schedule"
)

// followSchedules starts a run of each pipeline whenever its schedule fires.
func (s *Service) followSchedules(ctx context.Context) {
	for {
		next, err := s.fireDue(ctx, time.Now())
		if err != nil && ctx.Err() == nil {
			s.Log.Error("follow the schedules", "error", err)
		}
		wait := lookEvery
		if !next.IsZero() {
			wait = min(wait, time.Until(next))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-s.replan:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// fireDue fires every schedule that is due, and returns when the next one is.
func (s *Service) fireDue(ctx context.Context, now time.Time) (next time.Time, err error) {
	pipelines, err := s.Store.Pipelines().List(ctx, "")
	if err != nil {
		return time.Time{}, err
	}
	followed, err := s.Store.Followed(ctx)
	if err != nil {
		return time.Time{}, err
	}
	for _, p := range pipelines {
		if p.Phase == mlops.PhaseDeleting {
			continue
		}
		before, known := followed[p.ID]
		at, err := s.follow(ctx, p.ID, p.Observed().Spec.Schedule, before, known, now)
		if err != nil { // one pipeline's trouble is not the others'
			s.Log.Error("follow a schedule", "pipeline", p.ID, "error", err)
			continue
		}
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next, nil
}

// follow fires one pipeline's schedule if it is due, and returns when it is due
// next; the zero time is never.
func (s *Service) follow(ctx context.Context, pipeline mlops.ID, wanted *mlops.Schedule, before store.Followed, known bool, now time.Time) (time.Time, error) {
	if wanted == nil || wanted.Disabled {
		if !known {
			return time.Time{}, nil
		}
		return time.Time{}, s.Store.Write(ctx, func(tx *store.Tx) error { return tx.Unfollow(ctx, pipeline) })
	}
	cron, err := schedule.Parse(*wanted)
	if err != nil {
		return time.Time{}, err
	}
	mark := store.Followed{Schedule: mlops.DigestOf(wanted), Until: now}
	note := func(tx *store.Tx) error { return tx.Follow(ctx, pipeline, mark) }
	if !known || before.Schedule != mark.Schedule {
		return cron.Next(now), s.Store.Write(ctx, note)
	}
	fired := lastFire(cron, before.Until, now)
	if fired.IsZero() {
		return cron.Next(now), nil
	}
	mark.Until = fired
	return cron.Next(now), s.fire(ctx, pipeline, fired, note)
}

// fire starts a scheduled run, which nobody owns, and notes it in the same
// transaction. A pipeline that cannot run without parameters is passed over.
func (s *Service) fire(ctx context.Context, pipeline mlops.ID, at time.Time, note func(*store.Tx) error) error {
	spec := mlops.PipelineRunSpec{
		Pipeline: pipeline, Parameters: map[string]string{},
		Triggers: map[string]string{firedTrigger: at.Format(time.RFC3339)},
	}
	change, err := s.create(ctx, spec, "", note)
	if err == nil {
		s.Log.Info("started a scheduled run", "run", change.Ref, "due", at)
		return nil
	}
	if mlops.CodeOf(err) != mlops.Invalid {
		return err
	}
	s.Log.Error("a schedule could not start a run", "pipeline", pipeline, "due", at, "error", err)
	return s.Store.Write(ctx, note)
}

// lastFire returns the last time in (after, now] at which a schedule fires, or
// the zero time: of the fires that were missed only the last one counts.
func lastFire(cron schedule.Cron, after, now time.Time) time.Time {
	// A day back is enough to find it in all but rare schedules, and spares
	// going through every minute of a long absence.
	if recent := now.Add(-24 * time.Hour); recent.After(after) {
		if next := cron.Next(recent); !next.IsZero() && !next.After(now) {
			after = recent
		}
	}
	var last time.Time
	for next := cron.Next(after); !next.IsZero() && !next.After(now); next = cron.Next(next) {
		last = next
	}
	return last
}
