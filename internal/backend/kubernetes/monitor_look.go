package kubernetes

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

type monitorObserved = mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus]

// Get looks at a monitor's parts, at the jobs that are kept, and at what Prometheus says
// of its alerts.
func (k monitorKind) Get(ctx context.Context, ref mlops.ID) (monitorObserved, error) {
	s, err := k.scene(ctx, ref)
	if err != nil {
		return monitorObserved{Ref: ref}, err
	}
	seen, err := k.look(ctx, s)
	if err != nil {
		return monitorObserved{Ref: ref}, err
	}
	jobs, err := s.monitorJobs(ctx)
	if err != nil {
		return monitorObserved{Ref: ref}, err
	}
	runs, err := s.retrainings(ctx)
	if err != nil {
		return monitorObserved{Ref: ref}, err
	}
	var alerts alertsSeen
	if seen.record.Spec != nil && seen.facts.hasRules() {
		alerts = s.alertsNow(ctx, fmt.Sprintf(`{%s=%q,%s=%q}`, alertNamespace, s.namespace, alertMonitor, s.id.Name()))
	}
	return k.observe(s, seen, monitorEvents{jobs, runs, alerts})
}

// monitorEvents is what became of a monitor's checks.
type monitorEvents struct {
	jobs   []unstructured.Unstructured // workflows
	runs   []unstructured.Unstructured // of the pipeline of on_violation
	alerts alertsSeen
}

// hasRules reports whether a monitor has rules of Prometheus.
func (f monitorFacts) hasRules() bool { _, ok := f.Parts[kindPrometheusRule]; return ok }

// List returns the monitors of an environment.
func (k monitorKind) List(ctx context.Context, parent mlops.ID) ([]monitorObserved, error) {
	if _, err := parent.ParseAs(mlops.NounEnvironment); err != nil {
		return nil, invalid(err)
	}
	p, err := k.place(ctx, parent)
	if err != nil {
		return nil, err
	}
	all, err := p.all(ctx, kindConfigMap, mlops.NounMonitor)
	out := []monitorObserved{}
	if err != nil || len(all) == 0 {
		return out, err
	}
	found, err := p.allMonitorParts(ctx)
	if err != nil {
		return nil, err
	}
	alerts := sync.OnceValue(func() alertsSeen {
		return scene{place: p}.alertsNow(ctx, fmt.Sprintf(`{%s=%q}`, alertNamespace, p.namespace))
	})
	for _, h := range all {
		s := scene{place: p, noun: mlops.NounMonitor, id: h.record.ID}
		seen, err := newMonitorSeen(h)
		if err != nil {
			return nil, err
		}
		for of := range seen.facts.Parts {
			if o, ok := found.parts[s.monitorPart(of)]; ok && isPartOf(o, s.id) {
				seen.parts[of] = o
			}
		}
		seen.moved = seen.movedFrom(p.layout)
		events := monitorEvents{jobs: s.ownJobs(found.workflows), runs: s.ownRetrainings(found.workflows)}
		if seen.facts.hasRules() {
			events.alerts = alerts()
		}
		one, err := k.observe(s, seen, events)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// foundParts are the parts of all monitors of an environment, and its workflows.
type foundParts struct {
	parts     map[identity]*unstructured.Unstructured
	workflows []unstructured.Unstructured
}

// allMonitorParts lists them, by a call for each kind.
func (p place) allMonitorParts(ctx context.Context) (foundParts, error) {
	out := foundParts{parts: map[identity]*unstructured.Unstructured{}}
	for _, r := range monitorPartRules() {
		found, err := p.cluster.list(ctx, r.kind, p.namespace, selects(mlops.NounMonitor))
		if withoutKind(err) != nil {
			return out, err
		}
		for i := range found {
			out.parts[p.of(r.kind, found[i].GetName())] = &found[i]
		}
	}
	var err error
	out.workflows, err = p.cluster.list(ctx, kindWorkflow, p.namespace, labelManagedBy+"="+agent)
	return out, withoutKind(err)
}

// observe is a monitor as the contract has it.
func (k monitorKind) observe(s scene, seen monitorSeen, events monitorEvents) (monitorObserved, error) {
	out := monitorObserved{Ref: s.id, Phase: mlops.PhaseReady, Revision: seen.record.Revision, Native: seen.native(s)}
	if seen.record.Spec == nil {
		out.Phase, out.Reason = mlops.PhaseFailed, "its creation was interrupted; apply it again"
		return out, nil
	}
	if err := seen.record.into(&out.Spec); err != nil {
		return out, err
	}
	out.Status = seen.status(s, out.Spec, events)
	if isLeaving(seen.object) {
		out.Phase, out.Due = mlops.PhaseDeleting, seen.object.GetDeletionTimestamp() == nil
		out.Reason = fmt.Sprintf("%d of its jobs are being stopped", len(events.jobs))
		if words := lingering(seen.object); words != "" {
			out.Reason = words
		}
		return out, nil
	}
	if cron := seen.parts[kindCronWorkflow]; cron != nil {
		if problem := specError(pipelineSeen{cron: cron}); problem != "" {
			out.Phase, out.Reason = mlops.PhaseFailed, problem
		}
	}
	if out.Phase == mlops.PhaseReady && seen.facts.hasRules() {
		out.Reason = events.alerts.notice(s)
	}
	seen.showFlaws(&out)
	return out, nil
}

// native are the names of a monitor's parts.
func (m monitorSeen) native(s scene) map[string]string {
	out := map[string]string{"namespace": s.namespace, "config_map": s.monitorPart(kindConfigMap).name}
	for of, key := range map[kind]string{
		kindPrometheusRule: "prometheus_rule", kindServiceMonitor: "service_monitor", kindAlertmanagerConfig: "alertmanager_config",
		kindCronWorkflow: "cron_workflow", kindSecret: "secret", kindServiceAccount: "service_account",
	} {
		if m.parts[of] != nil {
			out[key] = m.parts[of].GetName()
		}
	}
	return out
}
