package monitors

import (
	"context"
	"errors"
	"os"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/checks"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/artifact"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/retrain"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/schedule"
)

type record = store.Record[mlops.MonitorSpec, mlops.MonitorStatus]

// Observed is one look at a monitor.
type Observed = mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus]

// Create reads the baseline and puts the spec in force.
func (s *Service) Create(ctx context.Context, spec mlops.MonitorSpec) (mlops.Change, error) {
	return s.accept(ctx, spec, s.table.Accept)
}

// Update does the same for a monitor that is there.
func (s *Service) Update(ctx context.Context, ref mlops.ID, spec mlops.MonitorSpec) (mlops.Change, error) {
	if _, err := s.table.Get(ctx, ref); err != nil {
		return mlops.Change{}, err
	}
	if spec.ID() != ref {
		return mlops.Change{}, mlops.InvalidField("name", "%s cannot become %s", ref, spec.ID())
	}
	return s.accept(ctx, spec, s.table.Revise)
}

// writer is the store's way to take a spec: Accept or Revise.
type writer func(ctx context.Context, id mlops.ID, owner string, spec mlops.MonitorSpec, guard func(tx *store.Tx, old *record) error) (record, error)

func (s *Service) accept(ctx context.Context, spec mlops.MonitorSpec, write writer) (mlops.Change, error) {
	if err := s.check(ctx, spec); err != nil {
		return mlops.Change{}, err
	}
	id := spec.ID()
	defer s.lock(id)()
	base, err := s.prepareBaseline(ctx, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	webhook := ""
	if a := spec.Alerts; a != nil {
		alerts := *a
		webhook, alerts.WebhookURL = s.Alerts.SealWebhook(id, a.WebhookURL), ""
		spec.Alerts = &alerts
	}
	r, err := write(ctx, id, api.Owner(ctx), spec, func(tx *store.Tx, old *record) error {
		if err := s.checkWebhook(ctx, spec.Alerts, webhook, old); err != nil {
			return err
		}
		return s.checkReferences(ctx, tx, spec)
	})
	if err != nil {
		return mlops.Change{}, errors.Join(err, s.tidy(ctx, id))
	}
	change, err := s.settle(ctx, r, base, webhook)
	return change, errors.Join(err, s.tidy(ctx, id))
}

// prepareBaseline reads and keeps the baseline of a spec, before anything refers
// to it. What is refused anyway is refused first: reading may take long.
func (s *Service) prepareBaseline(ctx context.Context, spec mlops.MonitorSpec) (*checks.Baseline, error) {
	err := s.Store.Write(ctx, func(tx *store.Tx) error { return s.checkReferences(ctx, tx, spec) })
	if err != nil {
		return nil, err
	}
	var inForce *record
	old, err := s.table.Get(ctx, spec.ID())
	switch {
	case err == nil:
		inForce = &old
	case mlops.CodeOf(err) != mlops.NotFound:
		return nil, err
	}
	base, err := s.readBaseline(ctx, spec, inForce)
	if err != nil {
		return nil, err
	}
	return base, s.keepBaseline(ctx, spec, base)
}

// settle puts what was accepted in force. A webhook that is not said again is
// kept while its mark is.
func (s *Service) settle(ctx context.Context, r record, base *checks.Baseline, webhook string) (mlops.Change, error) {
	settled, err := s.table.Change(ctx, r.ID, func(tx *store.Tx, r *record) error {
		if r.Wanted != nil {
			r.Settle()
		}
		r.Status.Baseline = base.Status()
		if r.Status.State == "" {
			r.Status.State, r.Status.Since = mlops.MonitorWaiting, s.now().UTC()
			r.Status.Retraining.State = mlops.RetrainingIdle
		}
		if a := r.Spec.Alerts; a != nil && a.Mark != "" && webhook == "" {
			return nil
		}
		return tx.PutAlerting(ctx, r.ID, webhook)
	})
	if err != nil {
		return mlops.Change{Ref: r.ID}, err
	}
	s.figure.show(r.ID, settled.Status)
	return mlops.Change{Ref: r.ID, Revision: settled.Revision}, nil
}

// abandon takes back what was accepted and not put in force when the engine was
// killed: whoever asked for it got no answer, and asks again. Only then is the
// webhook known, too.
func (s *Service) abandon(ctx context.Context, r record) error {
	_, err := s.table.Change(ctx, r.ID, func(_ *store.Tx, r *record) error {
		if r.Wanted != nil {
			r.RollBack("The engine stopped before the change was made.")
		}
		return nil
	})
	return errors.Join(err, s.tidy(ctx, r.ID))
}

// check refuses what can never be.
func (s *Service) check(ctx context.Context, spec mlops.MonitorSpec) error {
	c := mlops.NewChecker()
	mlops.PortableName().CheckName(c, mlops.At("name"), spec.Name)
	spec.Validate(c)
	if spec.Endpoint == "" {
		c.Add(mlops.At("endpoint"), "No endpoint", "A monitor watches an endpoint.")
	}
	if err := c.Err(); err != nil {
		return err
	}
	if _, err := schedule.Parse(spec.Schedule); err != nil {
		return mlops.InvalidField("schedule.cron", "%w", err)
	}
	if q := spec.ModelQuality; q != nil && q.GroundTruth != "" {
		if _, err := artifact.Path("", "", q.GroundTruth); err != nil {
			return mlops.InvalidField("model_quality.ground_truth_uri", "%s", mlops.Message(err))
		}
	}
	if err := s.checkReach(ctx, spec); err != nil {
		return err
	}
	if spec.Alerts == nil || len(spec.Alerts.Emails) == 0 {
		return nil
	}
	if known, err := s.Alerts.HasMailServer(ctx); err != nil || !known {
		return errors.Join(err, mlops.InvalidField("alerts.emails", "no mail server is known; set smtp_url in the provider's local block, or the variable MLOPS_SMTP_URL"))
	}
	return nil
}

// checkReferences refuses a spec that refers to what is not there, or needs what
// the endpoint does not keep.
func (s *Service) checkReferences(ctx context.Context, tx *store.Tx, spec mlops.MonitorSpec) error {
	e, err := s.Store.Endpoints().GetTx(ctx, tx, spec.Endpoint)
	if mlops.CodeOf(err) == mlops.NotFound {
		return mlops.InvalidField("endpoint", "there is no %s", spec.Endpoint)
	}
	if err != nil {
		return err
	}
	asked := e.Observed().Spec
	if e.Wanted != nil {
		asked = *e.Wanted
	}
	if checks.ReadsCaptures(spec) && !captures(asked) {
		return mlops.InvalidField("endpoint", "%s captures nothing that could be checked; give it capture = {}", spec.Endpoint)
	}
	if o := spec.OnViolation; o != nil {
		if _, err := s.Store.Pipelines().GetTx(ctx, tx, o.Pipeline); mlops.CodeOf(err) == mlops.NotFound {
			return mlops.InvalidField("on_violation.pipeline", "there is no %s", o.Pipeline)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// checkWebhook refuses a webhook that is only marked, where it is not known from
// before what its URL is.
func (s *Service) checkWebhook(ctx context.Context, a *mlops.Alerts, webhook string, old *record) error {
	if a == nil || a.Mark == "" || webhook != "" {
		return nil
	}
	if old != nil && old.Spec.Alerts != nil && old.Spec.Alerts.Mark == a.Mark {
		kept, err := s.Store.Alerting(ctx, old.ID)
		if err != nil || kept.Webhook != "" {
			return err
		}
	}
	return mlops.InvalidField("alerts.webhook_url", "the webhook's URL is not known here; give it again")
}

// captures reports whether an endpoint keeps requests that can be checked.
func captures(spec mlops.ModelEndpointSpec) bool {
	return spec.Capture != nil && spec.Capture.SamplePercent > 0
}

// Get takes one look.
func (s *Service) Get(ctx context.Context, ref mlops.ID) (Observed, error) {
	r, err := s.table.Get(ctx, ref)
	if err != nil {
		return Observed{}, err
	}
	return s.observe(ctx, r)
}

// List takes one look at the monitors below an ID.
func (s *Service) List(ctx context.Context, under mlops.ID) ([]Observed, error) {
	all, err := s.table.List(ctx, under)
	if err != nil {
		return nil, err
	}
	out := make([]Observed, 0, len(all))
	for _, r := range all {
		o, err := s.observe(ctx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

func (s *Service) observe(ctx context.Context, r record) (Observed, error) {
	o := r.Observed()
	dir, err := s.directory(ctx, r.ID)
	if err != nil {
		return o, err
	}
	alerting, err := s.Store.Alerting(ctx, r.ID)
	if err != nil {
		return o, err
	}
	o.Status.Alerts = mlops.AlertsStatus{LastSent: alerting.LastSent, Pending: alerting.Pending, LastFail: alerting.LastFail}
	o.Status.NextCheck = s.nextCheck(o.Spec)
	if o.Status.Baseline.Features == nil {
		o.Status.Baseline.Features = []string{}
	}
	o.Status.Retraining = retrain.Standing(o.Status.Retraining, o.Spec.OnViolation, s.now())
	if report := o.Status.LastReport; report != nil && o.Reason == "" {
		o.Reason = report.Reason
	}
	o.Native = map[string]string{"directory": dir}
	return o, nil
}

// Delete removes a monitor and its files.
func (s *Service) Delete(ctx context.Context, ref mlops.ID) error {
	defer s.lock(ref)()
	dir, err := s.directory(ctx, ref)
	if err != nil && mlops.CodeOf(err) != mlops.NotFound {
		return err
	}
	if err := s.table.Delete(ctx, ref, nil); err != nil {
		return err
	}
	s.figure.forget(ref)
	if dir == "" {
		return nil
	}
	return os.RemoveAll(dir)
}
