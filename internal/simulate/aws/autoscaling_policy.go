package aws

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// scalingMetrics are the predefined metrics of SageMaker's targets, and what they
// measure (Application Auto Scaling user guide, "SageMaker AI and Application Auto
// Scaling").
func scalingMetrics() map[string]string {
	return map[string]string{
		"SageMakerVariantInvocationsPerInstance":                             "InvocationsPerInstance",
		"SageMakerVariantProvisionedConcurrencyUtilization":                  "ServerlessProvisionedConcurrencyUtilization",
		"SageMakerVariantConcurrentRequestsPerModelHighResolution":           "ConcurrentRequestsPerModel",
		"SageMakerInferenceComponentInvocationsPerCopy":                      "InvocationsPerCopy",
		"SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution": "ConcurrentRequestsPerCopy",
	}
}

const (
	targetTracking = "TargetTrackingScaling"
	stepScaling    = "StepScaling"
)

// scalingPut makes or replaces a policy.
func (w *World) scalingPut(c *Call, t *scalingTarget) (Params, error) {
	name := text(c.In, "PolicyName")
	if err := scalingPolicyFault(c, t); err != nil {
		return nil, err
	}
	p := t.policies[name]
	if p == nil {
		w.scaling().made++
		p = &scalingPolicy{created: c.Time, arn: c.arn("autoscaling", "scalingPolicy:"+uuidOf(t.key, name)+":resource/sagemaker/"+text(t.in, "ResourceId")+":policyName/"+name)}
		t.policies[name] = p
	}
	w.forgetAlarms(t, p)
	p.in = c.In
	w.makeAlarms(c, t, p)
	return Params{"PolicyARN": p.arn, "Alarms": p.alarms}, nil
}

// scalingPolicyFault holds a policy to the API reference, PutScalingPolicy.
func scalingPolicyFault(c *Call, t *scalingTarget) error {
	kind, old := orElse(c.In, "PolicyType", stepScaling), t.policies[text(c.In, "PolicyName")]
	tracking, step := structure(c.In, "TargetTrackingScalingPolicyConfiguration"), structure(c.In, "StepScalingPolicyConfiguration")
	switch {
	case old != nil && orElse(old.in, "PolicyType", stepScaling) != kind:
		return scalingInvalid("A scaling policy of another type exists with the name %s.", text(c.In, "PolicyName"))
	case kind == targetTracking && (tracking == nil || step != nil):
		return scalingInvalid("You must specify TargetTrackingScalingPolicyConfiguration, and no other, when the policy type is TargetTrackingScaling")
	case kind == stepScaling && (step == nil || tracking != nil):
		return scalingInvalid("You must specify StepScalingPolicyConfiguration, and no other, when the policy type is StepScaling")
	case kind == targetTracking:
		return trackingFault(c, t, tracking)
	}
	return nil
}

func trackingFault(c *Call, t *scalingTarget, tracking Params) error {
	predefined, own := structure(tracking, "PredefinedMetricSpecification"), structure(tracking, "CustomizedMetricSpecification")
	metric := text(predefined, "PredefinedMetricType")
	measured := scalingMetrics()[metric]
	switch {
	case (predefined == nil) == (own == nil):
		return scalingInvalid("Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified.")
	case predefined != nil && measured == "":
		return scalingInvalid("Predefined metric type %s is not supported for service namespace sagemaker", metric)
	case strings.HasPrefix(metric, "SageMakerInferenceComponent") != strings.HasPrefix(text(t.in, "ScalableDimension"), "sagemaker:inference-component:") && predefined != nil:
		return scalingInvalid("Predefined metric type %s is not supported for scalable dimension %s", metric, text(t.in, "ScalableDimension"))
	case decimal(tracking, "TargetValue", 0) <= 0:
		return scalingInvalid("TargetValue must be greater than 0")
	}
	for name, other := range t.policies {
		theirs := structure(other.in, "TargetTrackingScalingPolicyConfiguration")
		if name != text(c.In, "PolicyName") && theirs != nil && metricSpecified(theirs, tracking) {
			return scalingInvalid("Only one TargetTrackingScaling policy for a given metric specification is allowed.")
		}
	}
	return nil
}

// metricSpecified reports whether two policies follow the same metric.
func metricSpecified(a, b Params) bool {
	for _, member := range []string{"PredefinedMetricSpecification", "CustomizedMetricSpecification"} {
		if !reflect.DeepEqual(a[member], b[member]) {
			return false
		}
	}
	return true
}

// makeAlarms makes the two alarms by which a target is tracked (user guide,
// "Target tracking scaling policies"). What they would do is not simulated.
func (w *World) makeAlarms(c *Call, t *scalingTarget, p *scalingPolicy) {
	tracking := structure(p.in, "TargetTrackingScalingPolicyConfiguration")
	p.alarms = []any{}
	if tracking == nil {
		return
	}
	own := structure(tracking, "CustomizedMetricSpecification")
	metric := orElse(own, "MetricName", scalingMetrics()[text(structure(tracking, "PredefinedMetricSpecification"), "PredefinedMetricType")])
	for side, operator := range map[string]string{"AlarmHigh": "GreaterThanThreshold", "AlarmLow": "LessThanThreshold"} {
		name := "TargetTracking-" + text(t.in, "ResourceId") + "-" + side + "-" + uuidOf(t.key, text(p.in, "PolicyName"), side)
		arn := alarmARN(c, name)
		w.cloudwatch().alarms[arn] = &cloudwatchAlarm{
			arn: arn, name: name, region: c.Region, tags: tagSet{}, configured: c.Time, changed: c.Time,
			state: alarmInsufficient, reason: "Unchecked: Initial alarm creation", ofPolicy: true,
			in: Params{
				"AlarmName": name, "AlarmDescription": "DO NOT EDIT OR DELETE. For TargetTrackingScaling policy " + p.arn + ".",
				"MetricName": metric, "Namespace": orElse(own, "Namespace", "AWS/SageMaker"), "Statistic": orElse(own, "Statistic", "Average"),
				"Period": int64(60), "EvaluationPeriods": int64(3), "Threshold": decimal(tracking, "TargetValue", 0),
				"ComparisonOperator": operator, "AlarmActions": []any{p.arn},
			},
		}
		p.alarms = append(p.alarms, Params{"AlarmName": name, "AlarmARN": arn})
	}
	slices.SortFunc(p.alarms, func(a, b any) int {
		x, _ := a.(Params)
		y, _ := b.(Params)
		return strings.Compare(text(x, "AlarmName"), text(y, "AlarmName"))
	})
}

func (w *World) forgetAlarms(_ *scalingTarget, p *scalingPolicy) {
	for _, a := range p.alarms {
		alarm, _ := a.(Params)
		delete(w.cloudwatch().alarms, text(alarm, "AlarmARN"))
	}
}

func (w *World) forgetPolicy(t *scalingTarget, p *scalingPolicy) {
	w.forgetAlarms(t, p)
	delete(t.policies, text(p.in, "PolicyName"))
}

func (w *World) scalingDelete(c *Call, t *scalingTarget) (Params, error) {
	p := t.policies[text(c.In, "PolicyName")]
	if p == nil {
		return nil, fault("ObjectNotFoundException", "No scaling policy found for service namespace: %s, resource ID: %s, scalable dimension: %s, policy name: %s",
			text(c.In, "ServiceNamespace"), text(c.In, "ResourceId"), text(c.In, "ScalableDimension"), text(c.In, "PolicyName"))
	}
	w.forgetPolicy(t, p)
	return Params{}, nil
}

// scalingPolicies lists policies.
func (w *World) scalingPolicies(c *Call) (Params, error) {
	names := texts(c.In, "PolicyNames")
	var all []Params
	for _, t := range sorted(w.scaling().targets) {
		if t.region != c.Region || text(t.in, "ServiceNamespace") != text(c.In, "ServiceNamespace") ||
			text(t.in, "ResourceId") != orElse(c.In, "ResourceId", text(t.in, "ResourceId")) ||
			text(t.in, "ScalableDimension") != orElse(c.In, "ScalableDimension", text(t.in, "ScalableDimension")) {
			continue
		}
		for _, p := range sorted(t.policies) {
			if len(names) == 0 || slices.Contains(names, text(p.in, "PolicyName")) {
				all = append(all, p.view(t))
			}
		}
	}
	return scalingListed(c, "ScalingPolicies", all)
}

func (p *scalingPolicy) view(t *scalingTarget) Params {
	out := maps.Clone(t.in)
	maps.Copy(out, pick(p.in, "PolicyName", "StepScalingPolicyConfiguration"))
	out["PolicyARN"], out["PolicyType"] = p.arn, orElse(p.in, "PolicyType", stepScaling)
	out["Alarms"], out["CreationTime"] = p.alarms, p.created
	if tracking := structure(p.in, "TargetTrackingScalingPolicyConfiguration"); tracking != nil {
		tracking = maps.Clone(tracking)
		tracking["DisableScaleIn"] = flag(tracking, "DisableScaleIn")
		out["TargetTrackingScalingPolicyConfiguration"] = tracking
	}
	return out
}
