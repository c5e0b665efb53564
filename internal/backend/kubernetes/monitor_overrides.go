package kubernetes

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// monitorOverridesNote says how overrides are meant here.
const monitorOverridesNote = "By check, for what its alerts have beside their query: `for`, `keep_firing_for`, `labels` and `annotations`. And by object, of which the spec is merged: `CronWorkflow`, `AlertmanagerConfig`, `PrometheusRule`, `ServiceMonitor`. " +
	"Of a list that the provider gives one element (`receivers`, `groups`, `endpoints`), write that element, and not a list."

// overridable is what of a monitor's object can be overridden.
type overridable struct {
	single []string          // lists of one element, of which an override is merged into that
	owned  map[string]string // fields of the spec that are not for overrides, and what is instead
}

// What has fields that are not for overrides.
const (
	ownedBySchedule = "use schedule"
	ownedByChecks   = "the provider writes it by what the monitor asks for"
	ownedByLooks    = "the provider finds by it what belongs to the monitor"
)

// overridables are the objects of a monitor that can be overridden.
func overridables() map[kind]overridable {
	return map[kind]overridable{
		kindCronWorkflow: {owned: map[string]string{
			"schedule": ownedBySchedule, "schedules": ownedBySchedule, "timezone": ownedBySchedule, "suspend": ownedBySchedule,
			"workflowMetadata.labels": ownedByLooks, "workflowMetadata.annotations." + noteID: ownedByLooks, "workflowSpec.podMetadata.labels": ownedByLooks,
			"workflowSpec.templates": ownedByChecks + "; workflowSpec.podSpecPatch reaches its pods", "workflowSpec.entrypoint": ownedByChecks,
			"workflowSpec.serviceAccountName": "it is the environment's", "workflowSpec.workflowTemplateRef": ownedByChecks,
		}},
		kindAlertmanagerConfig: {single: []string{"receivers"}, owned: map[string]string{
			"route.receiver": ownedByChecks, "route.matchers": ownedByLooks, "route.repeatInterval": "use alerts.repeat",
			"receivers.name": ownedByChecks, "receivers.webhookConfigs": "use alerts.webhook_url, which the state does not have",
		}},
		kindPrometheusRule: {single: []string{"groups"}, owned: map[string]string{
			"groups.name": ownedByLooks, "groups.rules": "what alerts have is given by check: write { health = { \"for\" = \"5m\" } }",
		}},
		kindServiceMonitor: {single: []string{"endpoints"}, owned: map[string]string{
			"selector": ownedByLooks, "namespaceSelector": ownedByLooks, "endpoints.relabelings": ownedByChecks,
		}},
	}
}

// alertOverridable is what of a check's alerts can be overridden.
func alertOverridable() (fields []string, owned map[string]string) {
	owned = map[string]string{}
	for _, label := range []string{alertNamespace, alertMonitor, alertCheck, "quantile"} {
		owned["labels."+label] = ownedByLooks
	}
	return []string{"for", "keep_firing_for", "labels", "annotations"}, owned
}

// checkMonitorOverrides refuses overrides of what a monitor does not have, and of what
// other attributes give.
func checkMonitorOverrides(c *mlops.Checker, spec mlops.MonitorSpec) {
	if err := wrongMonitorOverrides(spec); err != nil {
		c.Add(mlops.At("overrides"), "Not an override", "%s", sentence(err.Error()))
	}
}

func wrongMonitorOverrides(spec mlops.MonitorSpec) error {
	given, err := mlops.Overrides(spec.Overrides)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		patch, ok := given[key].(map[string]any)
		if !ok {
			return fmt.Errorf("%s is no object", key)
		}
		if slices.Contains(mlops.MonitorChecks(), key) {
			err = wrongAlert(spec, key, patch)
		} else {
			err = wrongObject(key, patch)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// wrongAlert is why the alerts of a check cannot be so.
func wrongAlert(spec mlops.MonitorSpec, check string, patch map[string]any) error {
	if !slices.Contains(spec.Checks(), check) {
		return fmt.Errorf("the monitor has no %s", check)
	}
	fields, owned := alertOverridable()
	for _, field := range slices.Sorted(maps.Keys(patch)) {
		if !slices.Contains(fields, field) {
			return fmt.Errorf("of the alerts of a check, %s can be overridden, and not %s", strings.Join(fields, ", "), field)
		}
	}
	return wrongField(check, patch, owned)
}

// wrongObject is why an object cannot be so.
func wrongObject(of string, patch map[string]any) error {
	var names []string
	for k, o := range overridables() {
		names = append(names, k.name())
		if k.name() != of {
			continue
		}
		spec, ok := patch["spec"].(map[string]any)
		if !ok || len(patch) != 1 {
			return fmt.Errorf("of %s, the spec alone can be overridden: write { %s = { spec = { … } } }", of, of)
		}
		for _, list := range o.single {
			if _, ok := spec[list].(map[string]any); spec[list] != nil && !ok {
				return fmt.Errorf("of %s.spec.%s, write the one element, and not a list", of, list)
			}
		}
		return wrongField(of+".spec", spec, o.owned)
	}
	slices.Sort(names)
	return fmt.Errorf("%q is no check and no object of a monitor; use one of %s.%s", of, strings.Join(append(names, mlops.MonitorChecks()...), ", "), mlops.DidYouMean(of, names))
}

// wrongField is the first field of a patch that is not for overrides.
func wrongField(at string, patch map[string]any, owned map[string]string) error {
	for _, field := range slices.Sorted(maps.Keys(owned)) {
		if touches(patch, field) {
			return fmt.Errorf("%s.%s is not for overrides: %s", at, field, owned[field])
		}
	}
	return nil
}

// touches reports whether a patch changes a field, or takes away what it is in. The keys
// of labels and annotations have dots, too.
func touches(patch map[string]any, field string) bool {
	if _, ok := patch[field]; ok {
		return true
	}
	first, rest, more := strings.Cut(field, ".")
	value, ok := patch[first]
	if !ok || !more {
		return ok
	}
	inner, ok := value.(map[string]any)
	return !ok || touches(inner, rest)
}

// override merges what a spec's overrides say into one of the monitor's objects, and
// reports whether they say anything of it.
func (m manifest) override(spec mlops.MonitorSpec) (out manifest, isOverridden bool, err error) {
	given, err := mlops.Overrides(spec.Overrides)
	if err != nil || len(given) == 0 || m.content["spec"] == nil {
		return m, false, err
	}
	now, err := plain(m.content["spec"])
	object, ok := now.(map[string]any)
	if err != nil || !ok {
		return m, false, err
	}
	patch, _ := given[m.kind.name()].(map[string]any)
	inner, _ := patch["spec"].(map[string]any)
	merged := overridables()[m.kind].merge(object, inner)
	isOverridden = inner != nil
	if m.kind == kindPrometheusRule && overrideAlerts(merged, given) {
		isOverridden = true
	}
	if !isOverridden {
		return m, false, nil
	}
	out = m
	out.content = maps.Clone(m.content)
	out.content["spec"] = merged
	return out, true, nil
}

// merge is MergePatch, of lists with one element into that.
func (o overridable) merge(object, patch map[string]any) map[string]any {
	rest := maps.Clone(patch)
	for _, list := range o.single {
		delete(rest, list)
	}
	out := mlops.MergePatch(object, rest)
	for _, list := range o.single {
		inner, _ := patch[list].(map[string]any)
		all, _ := object[list].([]any)
		if inner == nil || len(all) != 1 {
			continue
		}
		one, _ := all[0].(map[string]any)
		out[list] = []any{mlops.MergePatch(one, inner)}
	}
	return out
}

// overrideAlerts merges what is given by check into the alerts of a rule's groups.
func overrideAlerts(rule, given map[string]any) (found bool) {
	groups, _ := rule["groups"].([]any)
	for _, group := range groups {
		group, _ := group.(map[string]any)
		alerts, _ := group["rules"].([]any)
		for i := range alerts {
			alert, _ := alerts[i].(map[string]any)
			labels, _ := alert["labels"].(map[string]any)
			check, _ := labels[alertCheck].(string)
			if patch, ok := given[check].(map[string]any); ok {
				alerts[i], found = mlops.MergePatch(alert, patch), true
			}
		}
	}
	return found
}
