package monitors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// reportTrigger is the trigger of a retraining run: another report is another
// request, and the same one, after a crash, the same run.
const reportTrigger = "monitor_report"

// decision is whether the pipeline may be started now.
type decision struct {
	start bool
	state mlops.RetrainingState
	until time.Time
	why   string
}

// decide applies cooldown and cap to what happened so far. A clock that was set
// back makes nothing possible that was not.
func decide(r mlops.Retraining, o mlops.OnViolation, now time.Time) decision {
	limit := int64(mlops.DefaultPerMonth)
	if o.MaxPerMonth != nil {
		limit = *o.MaxPerMonth
	}
	next := r.LastAt.Add(o.Cooldown.Or(mlops.DefaultCooldown))
	switch {
	case r.State == mlops.RetrainingRunning:
		return decision{state: mlops.RetrainingRunning, why: "a run is under way"}
	case startsIn(r, now) >= limit:
		first := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		return decision{state: mlops.RetrainingExceeded, until: first, why: fmt.Sprintf("the pipeline was started %d times this month, of max_per_month = %d", startsIn(r, now), limit)}
	case !r.LastAt.IsZero() && now.Before(next):
		return decision{state: mlops.RetrainingCooling, until: next, why: "the last start was at " + r.LastAt.Format(time.RFC3339) + ", and cooldown is not over"}
	}
	return decision{start: true}
}

// startsIn counts the starts of now's calendar month, UTC.
func startsIn(r mlops.Retraining, now time.Time) int64 {
	last := r.LastAt.UTC()
	if r.LastAt.IsZero() || last.Year() != now.UTC().Year() || last.Month() != now.UTC().Month() {
		if last.After(now) { // the clock was set back: those starts still count
			return r.ThisMonth
		}
		return 0
	}
	return r.ThisMonth
}

// standing is what is shown: with what is known only now.
func standing(r mlops.Retraining, o *mlops.OnViolation, now time.Time) mlops.Retraining {
	if r.State == "" {
		r.State = mlops.RetrainingIdle
	}
	if o == nil {
		return r
	}
	if d := decide(r, *o, now); !d.start {
		r.NextAllowed = d.until
	}
	r.ThisMonth = startsIn(r, now)
	return r
}

// retrain starts the pipeline of a monitor that is violated, if it may.
func (s *Service) retrain(ctx context.Context, r record) error {
	if r.Spec.OnViolation == nil || !starts(r) {
		return nil
	}
	now := s.now().UTC()
	d := decide(r.Status.Retraining, *r.Spec.OnViolation, now)
	if !d.start {
		return s.noteRetraining(ctx, r.ID, func(t *mlops.Retraining) {
			if d.state != mlops.RetrainingRunning {
				t.State, t.Reason = d.state, d.why
			}
		})
	}
	change, err := s.StartRun(ctx, mlops.PipelineRunSpec{
		Pipeline: r.Spec.OnViolation.Pipeline, Parameters: parametersOf(r.Spec.OnViolation),
		Triggers: map[string]string{reportTrigger: r.Status.LastReport.At.Format(time.RFC3339Nano), "monitor": string(r.ID)},
		Detached: true,
	})
	if err != nil {
		s.Log.Error("a pipeline could not be started", "monitor", r.ID, "error", err)
	}
	return errors.Join(s.noteRetraining(ctx, r.ID, func(t *mlops.Retraining) {
		t.ThisMonth, t.LastAt = startsIn(*t, now)+1, now // also of one that failed: a loop must not spin
		t.LastRun, t.State, t.Reason = change.Ref, mlops.RetrainingRunning, ""
		if err != nil {
			t.State, t.Reason = mlops.RetrainingFailed, "the pipeline could not be started: "+mlops.Message(err)
		}
	}))
}

func parametersOf(o *mlops.OnViolation) map[string]string {
	if o.Parameters == nil {
		return map[string]string{}
	}
	return o.Parameters
}

// starts reports whether a check that starts the pipeline is violated.
func starts(r record) bool {
	report := r.Status.LastReport
	if report == nil {
		return false
	}
	for kind, check := range report.Checks {
		if check.State == mlops.MonitorViolated && r.Spec.OnViolation.Starts(kind) {
			return true
		}
	}
	return false
}

// watchRun follows a retraining run to its end.
func (s *Service) watchRun(ctx context.Context, r record) error {
	if r.Status.Retraining.State != mlops.RetrainingRunning {
		return nil
	}
	run, err := s.Store.Runs().Get(ctx, r.Status.Retraining.LastRun)
	gone := mlops.CodeOf(err) == mlops.NotFound
	if err != nil && !gone {
		return err
	}
	if !gone && !run.Status.State.Ended() {
		return nil
	}
	return s.noteRetraining(ctx, r.ID, func(t *mlops.Retraining) {
		switch {
		case gone:
			t.State, t.Reason = mlops.RetrainingFailed, "the run was removed"
		case run.Status.State == mlops.RunSucceeded:
			t.State, t.Reason = mlops.RetrainingDone, ""
		default:
			t.State, t.Reason = mlops.RetrainingFailed, "the run "+string(run.Status.State)+": "+run.Reason
		}
	})
}

func (s *Service) noteRetraining(ctx context.Context, monitor mlops.ID, change func(*mlops.Retraining)) error {
	settled, err := s.table.Change(ctx, monitor, func(_ *store.Tx, r *record) error {
		change(&r.Status.Retraining)
		return nil
	})
	if mlops.CodeOf(err) == mlops.NotFound {
		return nil // removed meanwhile
	}
	if err == nil {
		s.figure.show(monitor, settled.Status)
	}
	return err
}
