package monitors

import (
	"context"
	"fmt"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/alerts"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/retrain"
)

// reportTrigger is the trigger of a retraining run: another report is another
// request, and the same one, after a crash, the same run.
const reportTrigger = "monitor_report"

// decideRetraining notes that the pipeline of a monitor that is violated is to be
// started, if it may. The run is made later: see resume for a crash between the
// two.
func decideRetraining(r *record) {
	if r.Spec.OnViolation != nil && starts(*r) {
		r.Status.Retraining, _ = retrain.Violated(r.Status.Retraining, *r.Spec.OnViolation, r.Status.LastReport.At)
	}
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

// startRun makes the run of a start that was written; the monitor is locked.
func (s *Service) startRun(ctx context.Context, r record) error {
	if r.Spec.OnViolation == nil {
		return s.noteRetraining(ctx, r.ID, func(now record) mlops.Retraining {
			return retrain.Failed(now.Status.Retraining, "on_violation was taken away before the pipeline was started")
		})
	}
	change, failure := s.StartRun(ctx, mlops.PipelineRunSpec{
		Pipeline: r.Spec.OnViolation.Pipeline, Parameters: parametersOf(r.Spec.OnViolation),
		Triggers: map[string]string{reportTrigger: r.Status.Retraining.LastAt.Format(time.RFC3339Nano), "monitor": string(r.ID)},
		Detached: true,
	})
	if ctx.Err() != nil {
		return ctx.Err() // the engine closes: the next one resumes
	}
	return s.noteRetraining(ctx, r.ID, func(now record) mlops.Retraining {
		return retrain.Started(now.Status.Retraining, change.Ref, failure)
	})
}

func parametersOf(o *mlops.OnViolation) map[string]string {
	if o.Parameters == nil {
		return map[string]string{}
	}
	return o.Parameters
}

// resume makes the run of a start that an engine wrote and then did not come to.
// If it did come to it, this finds the same run.
func (s *Service) resume(ctx context.Context, monitor mlops.ID) error {
	defer s.lock(monitor)() // not while a check is between the two
	r, err := s.table.Get(ctx, monitor)
	if err != nil || !unmade(r) {
		return err
	}
	return s.startRun(ctx, r)
}

// unmade reports whether a start has no run yet.
func unmade(r record) bool {
	t := r.Status.Retraining
	return t.State == mlops.RetrainingRunning && t.LastRun == ""
}

// watchRun follows a retraining run to its end.
func (s *Service) watchRun(ctx context.Context, r record) error {
	if unmade(r) {
		return s.resume(ctx, r.ID)
	}
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
	return s.noteRetraining(ctx, r.ID, func(now record) mlops.Retraining {
		switch t := now.Status.Retraining; {
		case gone:
			return retrain.Failed(t, "the run was removed")
		case run.Status.State == mlops.RunSucceeded:
			return retrain.Succeeded(t)
		default:
			return retrain.Failed(t, "the run "+string(run.Status.State)+": "+run.Reason)
		}
	})
}

// noteRetraining writes what retraining has come to. That it failed is told in the
// same transaction.
func (s *Service) noteRetraining(ctx context.Context, monitor mlops.ID, change func(now record) mlops.Retraining) error {
	settled, err := s.table.Change(ctx, monitor, func(tx *store.Tx, r *record) error {
		before := r.Status.Retraining.State
		r.Status.Retraining = change(*r)
		if r.Status.Retraining.State != mlops.RetrainingFailed || before == mlops.RetrainingFailed {
			return nil
		}
		return s.tellFailure(ctx, tx, *r)
	})
	if mlops.CodeOf(err) == mlops.NotFound {
		return nil // removed meanwhile
	}
	if err == nil {
		s.Alerts.Wake()
		s.figure.show(monitor, settled.Status)
	}
	return err
}

// tellFailure puts an alert in the queue: retraining failed, and people are needed.
func (s *Service) tellFailure(ctx context.Context, tx *store.Tx, r record) error {
	a := r.Spec.Alerts
	if a == nil {
		return nil
	}
	t := retrain.Standing(r.Status.Retraining, r.Spec.OnViolation, s.now())
	text := fmt.Sprintf("Retraining for %s of %s failed: %s.", r.ID, r.Spec.Endpoint, t.Reason)
	if !t.NextAllowed.IsZero() {
		text += "\nNot started again before " + t.NextAllowed.UTC().Format(time.RFC3339) + "."
	}
	return s.Alerts.Enqueue(ctx, tx, alerts.Message{
		Monitor: r.ID, Endpoint: r.Spec.Endpoint, State: r.Status.State, Since: r.Status.Since,
		Retraining: &t, Emails: a.Emails, Text: text,
	}, a.Mark != "")
}
