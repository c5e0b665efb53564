package memory

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// Monitors returns the kind of monitors.
func (b *backend) Monitors() mlops.Kind[mlops.MonitorSpec, mlops.MonitorStatus] {
	return &kind[mlops.MonitorSpec, mlops.MonitorStatus]{b, mlops.NounMonitor, monitors{}}
}

type monitors struct{}

func (monitors) name(spec mlops.MonitorSpec) string { return spec.Name }

// place keeps no secret: the mark of the webhook's URL tells whether it changed.
func (monitors) place(p *Platform, _ string, from mlops.ID, spec mlops.MonitorSpec) (placed[mlops.MonitorSpec], error) {
	if spec.Alerts != nil {
		alerts := *spec.Alerts
		alerts.WebhookURL = ""
		spec.Alerts = &alerts
	}
	at := placed[mlops.MonitorSpec]{id: spec.ID(), spec: spec}
	if err := p.exists("endpoint", spec.Endpoint); err != nil {
		return at, err
	}
	if b := spec.Baseline; b != nil {
		for field, id := range map[string]mlops.ID{"baseline.dataset": b.Dataset, "baseline.run": b.Run} {
			if id == "" {
				continue
			}
			if err := p.exists(field, id); err != nil {
				return at, err
			}
		}
	}
	if o := spec.OnViolation; o != nil {
		if err := p.exists("on_violation.pipeline", o.Pipeline); err != nil {
			return at, err
		}
	}
	return at, stays(from, at.id)
}

func (monitors) whim(_ *Platform, spec mlops.MonitorSpec) whim { return whimOf(spec.Labels) }

// status finds nothing by itself: the label memory_state says what a monitor finds.
func (monitors) status(_ *Platform, r *record, spec mlops.MonitorSpec) mlops.MonitorStatus {
	s := mlops.MonitorStatus{
		State:      mlops.MonitorWaiting,
		Since:      r.settled,
		Retraining: mlops.Retraining{State: mlops.RetrainingIdle},
		Baseline:   mlops.BaselineStatus{Features: []string{}},
	}
	if state, ok := spec.Labels["memory_state"]; ok {
		s.State = mlops.MonitorState(state)
	}
	if s.State == mlops.MonitorViolated {
		s.LastViolated = r.settled
	}
	return s
}

// watcher is a monitor that watches an endpoint, or none.
func (p *Platform) watcher(endpoint mlops.ID) mlops.ID {
	for _, r := range p.under(endpoint.Environment(), mlops.NounMonitor) {
		if !r.deleting && decode[mlops.MonitorSpec](r.spec).Endpoint == endpoint {
			return r.id
		}
	}
	return ""
}
