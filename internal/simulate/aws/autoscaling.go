package aws

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// autoscalingState is what the service keeps.
type autoscalingState struct {
	targets map[string]*scalingTarget // by scalingKey
	made    int
}

type scalingTarget struct {
	key, arn, region string
	in               Params // the members that name it
	least, most      int64
	role             string
	suspended        Params
	created          time.Time
	tags             tagSet
	policies         map[string]*scalingPolicy // by name
}

type scalingPolicy struct {
	arn     string
	in      Params
	created time.Time
	alarms  []any
}

// scaling returns the service's state, made at its first use.
func (w *World) scaling() *autoscalingState {
	if w.autoscaling == nil {
		w.autoscaling = &autoscalingState{targets: map[string]*scalingTarget{}}
	}
	return w.autoscaling
}

func (w *World) autoscalingHandlers() map[string]Handler {
	all := tagging{
		arn: "ResourceARN", tags: "Tags", keys: "TagKeys", mapped: true,
		invalid: "ValidationException", many: "TooManyTagsException", find: w.scalingTags,
	}.handlers()
	maps.Copy(all, map[string]Handler{
		"RegisterScalableTarget": w.scalingRegister, "DeregisterScalableTarget": w.onTarget(w.scalingDeregister),
		"DescribeScalableTargets": w.scalingTargets,
		"PutScalingPolicy":        w.onTarget(w.scalingPut), "DeleteScalingPolicy": w.onTarget(w.scalingDelete),
		"DescribeScalingPolicies": w.scalingPolicies,
	})
	return all
}

func scalingKey(c *Call) string {
	return strings.Join([]string{c.Region, text(c.In, "ServiceNamespace"), text(c.In, "ResourceId"), text(c.In, "ScalableDimension")}, " ")
}

func scalingInvalid(format string, args ...any) *Fault {
	return fault("ValidationException", format, args...)
}

func (w *World) scalingTags(_ *Call, arn string) (tagSet, error) {
	for _, t := range w.scaling().targets {
		if t.arn == arn {
			return t.tags, nil
		}
	}
	return nil, fault("ResourceNotFoundException", "The specified resource doesn't exist.")
}

// onTarget finds the target that a request names. The words are those that users
// report.
func (w *World) onTarget(do func(*Call, *scalingTarget) (Params, error)) Handler {
	return func(c *Call) (Params, error) {
		t := w.scaling().targets[scalingKey(c)]
		if t == nil {
			return nil, fault("ObjectNotFoundException", "No scalable target registered for service namespace: %s, resource ID: %s, scalable dimension: %s",
				text(c.In, "ServiceNamespace"), text(c.In, "ResourceId"), text(c.In, "ScalableDimension"))
		}
		return do(c, t)
	}
}

// scalingRegister makes a target, or changes the members that a request has
// (API reference, RegisterScalableTarget).
func (w *World) scalingRegister(c *Call) (Params, error) {
	old := w.scaling().targets[scalingKey(c)]
	if err := w.scalingTargetFault(c, old); err != nil {
		return nil, err
	}
	t := old
	if t == nil {
		if err := (tagging{tags: "Tags", mapped: true, invalid: "ValidationException", many: "TooManyTagsException"}).check(c.In, nil); err != nil {
			return nil, err
		}
		t = &scalingTarget{
			key: scalingKey(c), region: c.Region, in: pick(c.In, "ServiceNamespace", "ResourceId", "ScalableDimension"),
			arn:     c.arn("application-autoscaling", "scalable-target/"+strings.ReplaceAll(uuidOf(scalingKey(c)), "-", "")),
			role:    c.globalARN("iam", "role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"),
			created: c.Time, tags: tagMapIn(c.In, "Tags"), policies: map[string]*scalingPolicy{},
			suspended: Params{"DynamicScalingInSuspended": false, "DynamicScalingOutSuspended": false, "ScheduledScalingSuspended": false},
		}
		w.scaling().targets[t.key] = t
	}
	t.least, t.most = number(c.In, "MinCapacity", t.least), number(c.In, "MaxCapacity", t.most)
	if s := structure(c.In, "SuspendedState"); s != nil {
		t.suspended = maps.Clone(t.suspended)
		maps.Copy(t.suspended, s)
	}
	return Params{"ScalableTargetARN": t.arn}, nil
}

// scalingTargetFault refuses what SageMaker does not scale, what is not there,
// and limits that contradict each other.
func (w *World) scalingTargetFault(c *Call, old *scalingTarget) error {
	resource, dimension := text(c.In, "ResourceId"), text(c.In, "ScalableDimension")
	least, most := number(c.In, "MinCapacity", -1), number(c.In, "MaxCapacity", -1)
	if old == nil && (least < 0 || most < 0) {
		return scalingInvalid("You must specify both MinCapacity and MaxCapacity when registering a new scalable target")
	}
	if old != nil {
		least, most = number(c.In, "MinCapacity", old.least), number(c.In, "MaxCapacity", old.most)
	}
	switch {
	case text(c.In, "ServiceNamespace") != "sagemaker" || !strings.HasPrefix(dimension, "sagemaker:"):
		return scalingInvalid("Unsupported service namespace, resource type or scalable dimension")
	case least > most:
		return scalingInvalid("Maximum capacity cannot be less than minimum capacity")
	case strings.HasPrefix(dimension, "sagemaker:variant:") && !w.variantExists(resource):
		return scalingInvalid("The endpoint or the variant of resource ID %s doesn't exist or isn't in service.", resource)
	case !strings.HasPrefix(dimension, "sagemaker:variant:"):
		return scalingInvalid("Inference component of resource ID %s doesn't exist.", resource)
	}
	return nil
}

// scalingDeregister forgets a target and its policies (API reference,
// DeregisterScalableTarget).
func (w *World) scalingDeregister(_ *Call, t *scalingTarget) (Params, error) {
	w.forgetTarget(t)
	return Params{}, nil
}

func (w *World) forgetTarget(t *scalingTarget) {
	for _, p := range t.policies {
		w.forgetPolicy(t, p)
	}
	delete(w.scaling().targets, t.key)
}

// forgetScaling removes all that scales an endpoint of a region.
func (w *World) forgetScaling(region, endpoint string) {
	for _, t := range sorted(w.scaling().targets) {
		if t.region == region && strings.HasPrefix(text(t.in, "ResourceId"), "endpoint/"+endpoint+"/") {
			w.forgetTarget(t)
		}
	}
}

// scalingTargets lists targets.
func (w *World) scalingTargets(c *Call) (Params, error) {
	ids, dimension := texts(c.In, "ResourceIds"), text(c.In, "ScalableDimension")
	if dimension != "" && len(ids) == 0 {
		return nil, scalingInvalid("If you specify a scalable dimension, you must also specify a resource ID.")
	}
	var all []Params
	for _, t := range sorted(w.scaling().targets) {
		if t.region != c.Region || text(t.in, "ServiceNamespace") != text(c.In, "ServiceNamespace") ||
			len(ids) > 0 && !slices.Contains(ids, text(t.in, "ResourceId")) || dimension != "" && dimension != text(t.in, "ScalableDimension") {
			continue
		}
		view := maps.Clone(t.in)
		view["MinCapacity"], view["MaxCapacity"], view["RoleARN"] = t.least, t.most, t.role
		view["CreationTime"], view["SuspendedState"], view["ScalableTargetARN"] = t.created, t.suspended, t.arn
		all = append(all, view)
	}
	return scalingListed(c, "ScalableTargets", all)
}

// scalingListed is one page of a list (API reference: 50 by default and at most).
func scalingListed(c *Call, member string, all []Params) (Params, error) {
	const most = 50
	page, next, ok := pageOf(all, text(c.In, "NextToken"), int(min(number(c.In, "MaxResults", most), most)))
	if !ok {
		return nil, fault("InvalidNextTokenException", "The next token supplied was invalid.")
	}
	shown := make([]any, 0, len(page))
	for _, p := range page {
		shown = append(shown, p)
	}
	out := Params{member: shown}
	if next != "" {
		out["NextToken"] = next
	}
	return out, nil
}
