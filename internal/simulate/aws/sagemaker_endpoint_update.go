package aws

import (
	"maps"
	"slices"
	"time"
)

// smRollout is an update of an endpoint on its way, or its creation.
type smRollout struct {
	config   *smObject
	variants []*smVariant
	started  time.Time
	stages   int      // how many shifts of traffic are to come
	alarms   []string // any of which turns the update back
}

// view is an update as Describe shows it while it is under way.
func (r *smRollout) view() Params {
	out := Params{"EndpointConfigName": r.config.name, "StartTime": r.started}
	smShown(out, r.variants, func(v *smVariant) Params {
		shown := v.view()
		shown["VariantStatus"] = []any{Params{"Status": "Creating", "StartTime": r.started}}
		return shown
	})
	return out
}

func (w *World) smUpdateEndpoint(c *Call) (Params, error) {
	o, err := w.find(c, smEndpoint, text(c.In, "EndpointName"))
	if err != nil {
		return nil, err
	}
	if err := smSteady(o); err != nil {
		return nil, err
	}
	if o.status == "Failed" {
		// API reference, DescribeEndpoint: a failed endpoint can only be deleted.
		return nil, fault("ValidationException", "Cannot update endpoint %q in status Failed.", o.arn)
	}
	config, err := w.find(c, smConfig, text(c.In, "EndpointConfigName"))
	if err != nil {
		return nil, err
	}
	serving, _ := o.detail.(*smServing)
	// The service needs the old one to return to (terraform-provider-aws, issue 40048).
	if _, err := w.find(c, smConfig, serving.config.name); err != nil {
		return nil, err
	}
	deployment := structure(c.In, "DeploymentConfig")
	if deployment == nil && flag(c.In, "RetainDeploymentConfig") {
		deployment = serving.last
	}
	variants := w.smVariants(c, config)
	if smAnyServerless(variants) && len(serving.variants) > 0 && !smAnyServerless(serving.variants) {
		// Developer guide, "Serverless Inference": the way back is there, this is not.
		return nil, fault("ValidationException", "Cannot update the instance-based endpoint %q to a serverless endpoint.", o.arn)
	}
	if flag(c.In, "RetainAllVariantProperties") {
		smRetain(c.In, serving.variants, variants)
	}
	if err := smDeploymentFault(deployment, variants); err != nil {
		return nil, err
	}
	if err := w.smServeLimit(c, config, variants, serving); err != nil {
		return nil, err
	}
	serving.pending = &smRollout{config: config, variants: variants, started: c.Time, stages: smStages(deployment), alarms: smAlarms(deployment)}
	serving.last = deployment
	o.modified = c.Time
	w.smShift(o)
	return Params{"EndpointArn": o.arn}, nil
}

func smAnyServerless(variants []*smVariant) bool {
	return slices.ContainsFunc(variants, func(v *smVariant) bool { return v.serverless != nil })
}

// smRetain keeps the counts and weights that variants of the same name have now,
// except those that the request excludes.
func smRetain(in Params, old, fresh []*smVariant) {
	excluded := map[string]bool{}
	for _, property := range structures(in, "ExcludeRetainedVariantProperties") {
		excluded[text(property, "VariantPropertyType")] = true
	}
	for _, v := range fresh {
		i := slices.IndexFunc(old, func(was *smVariant) bool { return was.name == v.name })
		if i < 0 {
			continue
		}
		if was := old[i]; !excluded["DesiredInstanceCount"] && was.serverless == nil && v.serverless == nil {
			v.count, v.desiredCount = was.desiredCount, was.desiredCount
		}
		if !excluded["DesiredWeight"] {
			v.weight, v.desiredWeight = old[i].desiredWeight, old[i].desiredWeight
		}
	}
}

// smShift takes an update through its stages. Each lasts the configured looks; the
// intervals in the request are not waited for. Before a stage ends the containers
// must be healthy and no alarm may ring, otherwise the endpoint goes back to what
// it served (developer guide, "Deployment guardrails").
func (w *World) smShift(o *smObject) {
	serving, _ := o.detail.(*smServing)
	update := serving.pending
	w.pass(o, "Updating", func(now time.Time) {
		reason := w.smUnhealthy(update.variants)
		if reason == "" {
			reason = w.smRinging(update.alarms)
		}
		switch update.stages--; {
		case reason != "":
			w.smRollBack(o, reason)
		case update.stages > 0:
			w.smShift(o)
		default:
			serving.config, serving.variants, serving.pending = update.config, update.variants, nil
			o.status, o.reason, o.modified = "InService", "", now
			return
		}
		// With no looks to wait for, the whole update happens at one.
		if w.config.Looks == 0 {
			w.look(o, now)
		}
	})
}

// smRollBack returns an endpoint to what it served.
func (w *World) smRollBack(o *smObject, reason string) {
	serving, _ := o.detail.(*smServing)
	w.pass(o, "RollingBack", func(time.Time) {
		serving.pending, o.status, o.reason = nil, "InService", reason
		if w.sm().hooks.SilentRollback {
			o.reason = ""
		}
	})
}

// smRinging says which alarm turns an update back, or "".
func (w *World) smRinging(alarms []string) string {
	for _, name := range alarms {
		if w.smAlarm(name) == "ALARM" {
			return "One or more configured alarm(s) in your deployment are in ALARM state: " + name + "."
		}
	}
	return ""
}

// smAlarms are the alarms that turn an update back.
func smAlarms(deployment Params) []string {
	var out []string
	for _, alarm := range structures(structure(deployment, "AutoRollbackConfiguration"), "Alarms") {
		out = append(out, text(alarm, "AlarmName"))
	}
	return out
}

func (w *World) smUpdateWeights(c *Call) (Params, error) {
	o, err := w.find(c, smEndpoint, text(c.In, "EndpointName"))
	if err != nil {
		return nil, err
	}
	if err := smSteady(o); err != nil {
		return nil, err
	}
	serving, _ := o.detail.(*smServing)
	changes := structures(c.In, "DesiredWeightsAndCapacities")
	fresh, err := smReweighted(serving.variants, changes)
	if err != nil {
		return nil, err
	}
	if err := w.smServeLimit(c, serving.config, smDesired(fresh), serving); err != nil {
		return nil, err
	}
	serving.variants = fresh
	o.modified = c.Time
	w.pass(o, "Updating", func(time.Time) {
		o.status, o.reason = "InService", ""
		for _, v := range fresh {
			v.weight, v.count = v.desiredWeight, v.desiredCount
		}
	})
	return Params{"EndpointArn": o.arn}, nil
}

// smDesired is variants as they will be.
func smDesired(variants []*smVariant) []*smVariant {
	out := make([]*smVariant, len(variants))
	for i, v := range variants {
		clone := *v
		clone.count = v.desiredCount
		out[i] = &clone
	}
	return out
}

// smReweighted is variants with new desires.
func smReweighted(old []*smVariant, changes []Params) ([]*smVariant, error) {
	var fresh []*smVariant
	for _, v := range old {
		clone := *v
		fresh = append(fresh, &clone)
	}
	for _, change := range changes {
		name := text(change, "VariantName")
		i := slices.IndexFunc(fresh, func(v *smVariant) bool { return v.name == name })
		if i < 0 {
			return nil, fault("ValidationException", "Could not find variant %q.", name)
		}
		v := fresh[i]
		if weight, given := change["DesiredWeight"]; given && weight != nil {
			v.desiredWeight = smNumber(weight)
		}
		count := number(change, "DesiredInstanceCount", -1)
		if count >= 0 && v.serverless != nil {
			return nil, fault("ValidationException", "DesiredInstanceCount cannot be specified for the serverless variant %s.", name)
		}
		if count == 0 {
			return nil, fault("ValidationException", "DesiredInstanceCount of variant %s must be at least 1.", name)
		}
		if count > 0 {
			v.desiredCount = count
		}
		if update := structure(change, "ServerlessUpdateConfig"); update != nil {
			merged := maps.Clone(v.serverless)
			if merged == nil {
				return nil, fault("ValidationException", "Variant %s is not serverless.", name)
			}
			maps.Copy(merged, update)
			v.serverless = merged
		}
	}
	return fresh, nil
}
