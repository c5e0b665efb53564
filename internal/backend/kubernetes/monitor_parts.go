package kubernetes

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// monitorPartRule is a kind of part that a monitor may have beside its config map, and
// what the monitor lacks without it.
type monitorPartRule struct {
	kind  kind
	lacks func(*mlops.MonitorSpec)
	whole bool // what others add to its spec is removed
}

// monitorPartRules lists them, what uses others before those.
func monitorPartRules() []monitorPartRule {
	alerts := func(s *mlops.MonitorSpec) { s.Alerts = nil }
	retraining := func(s *mlops.MonitorSpec) { s.OnViolation = nil }
	return []monitorPartRule{
		{kindCronWorkflow, withoutJobs, true},
		{kindRoleBinding, retraining, false},
		{kindRole, retraining, false},
		{kindServiceAccount, retraining, false},
		{kindLease, retraining, false},
		{kindAlertmanagerConfig, alerts, true},
		{kindSecret, alerts, false},
		{kindServiceMonitor, withoutRules, true},
		{kindPrometheusRule, withoutRules, true},
	}
}

// withoutJobs takes the checks away that a job makes.
func withoutJobs(s *mlops.MonitorSpec) {
	s.DataDrift, s.PredictionDrift, s.DataQuality, s.ModelQuality, s.Bias = nil, nil, nil, nil, nil
}

// withoutRules takes away what Prometheus' rules are for: health, or that others learn
// what a job found.
func withoutRules(s *mlops.MonitorSpec) {
	if s.Health == nil {
		s.Alerts = nil
	}
	s.Health = nil
}

// monitorParts are all that a monitor may have beside its config map.
func (s scene) monitorParts() []identity {
	var all []identity
	for _, r := range monitorPartRules() {
		all = append(all, s.monitorPart(r.kind))
	}
	return all
}

// monitorSurplus are the parts that a monitor may have had, and has no longer.
func (s scene) monitorSurplus(facts monitorFacts) []identity {
	return slices.DeleteFunc(s.monitorParts(), func(i identity) bool { _, kept := facts.Parts[i.kind]; return kept })
}

// bringWhole applies a part, removes what others have added to its spec, and returns the
// mark of what came of it.
func (k monitorKind) bringWhole(ctx context.Context, s scene, m manifest) (string, error) {
	if err := k.bring(ctx, s.cluster, s.id, m, monitorOrigins()); err != nil {
		return "", err
	}
	have, err := s.cluster.get(ctx, m.identity)
	if err != nil {
		return "", err
	}
	rule := monitorPartRules()[slices.IndexFunc(monitorPartRules(), func(r monitorPartRule) bool { return r.kind == m.kind })]
	if !rule.whole {
		return partMark(have), nil
	}
	mark, err := m.mark()
	if err != nil || mark == markOf(have) {
		return partMark(have), err
	}
	body, err := json.Marshal([]map[string]any{{"op": "replace", "path": "/spec", "value": m.content["spec"]}})
	if err != nil {
		return "", err
	}
	have, err = s.cluster.at(m.kind, m.namespace).Patch(ctx, m.name, types.JSONPatchType, body, metav1.PatchOptions{FieldManager: agent, FieldValidation: metav1.FieldValidationStrict})
	if err != nil {
		return "", k.explain(err, m.identity, monitorOrigins())
	}
	return partMark(have), nil
}

// partMark is a mark of what a part says, "" of one that need only be there: of a secret
// nothing is told, and accounts and leases others may write.
func partMark(o *unstructured.Unstructured) string {
	switch identityOf(o).kind {
	case kindSecret, kindServiceAccount, kindLease:
		return ""
	}
	said := maps.Clone(o.Object)
	for _, key := range []string{"apiVersion", "kind", "metadata", "status"} {
		delete(said, key)
	}
	return revisionOf(said)
}

// flaws are the kinds of a monitor's parts that are gone, or are not as they were made,
// or were made for another environment than there is now.
func (m monitorSeen) flaws() []kind {
	var out []kind
	for _, of := range slices.Sorted(maps.Keys(m.facts.Parts)) {
		part, mark := m.parts[of], m.facts.Parts[of]
		if part == nil || isLeaving(part) || mark != "" && partMark(part) != mark || m.moved[of] != "" {
			out = append(out, of)
		}
	}
	return out
}

// showFlaws makes what somebody changed a difference from the configuration.
func (m monitorSeen) showFlaws(out *monitorObserved) {
	for _, of := range m.flaws() {
		for _, r := range monitorPartRules() {
			if r.kind == of {
				r.lacks(&out.Spec)
			}
		}
		what := "somebody changed"
		if m.parts[of] == nil || isLeaving(m.parts[of]) {
			what = "somebody deleted"
		}
		out.Revision, out.Reason = "", what+" its "+of.name()
		if words := m.moved[of]; words != "" {
			out.Reason = "its " + of.name() + ": " + words
		}
	}
}
