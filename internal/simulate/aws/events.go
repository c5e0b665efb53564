package aws

import (
	"maps"
	"slices"
	"strings"
)

// Limits of rules (EventBridge user guide, "Quotas").
const (
	mostTargets      = 5
	mostPattern      = 4096
	eventsPage       = 100
	eventsDefaultBus = "default"
)

// eventsState is what the service keeps: rules by ARN. The default bus is the
// only one.
type eventsState struct{ rules map[string]*eventsRule }

type eventsRule struct {
	arn, name, region string
	in                Params
	state             string
	tags              tagSet
	targets           map[string]Params // by ID
}

// events returns the service's state, made at its first use.
func (w *World) events() *eventsState {
	if w.rules == nil {
		w.rules = &eventsState{rules: map[string]*eventsRule{}}
	}
	return w.rules
}

func (w *World) eventsHandlers() map[string]Handler {
	all := tagging{
		arn: "ResourceARN", tags: "Tags", keys: "TagKeys", invalid: "ValidationException", many: "ValidationException", find: w.eventsTags,
	}.handlers()
	maps.Copy(all, map[string]Handler{
		"PutRule": w.eventsPut, "DescribeRule": w.onRule("Name", eventsDescribe), "DeleteRule": w.eventsDelete, "ListRules": w.eventsList,
		"EnableRule": w.onRule("Name", eventsSwitch("ENABLED")), "DisableRule": w.onRule("Name", eventsSwitch("DISABLED")),
		"PutTargets": w.onRule("Rule", w.eventsPutTargets), "RemoveTargets": w.onRule("Rule", eventsRemoveTargets),
		"ListTargetsByRule": w.onRule("Rule", eventsListTargets),
	})
	return all
}

// bus refuses other buses than the default one, which may be given by its ARN.
func (c *Call) bus() error {
	name := orElse(c.In, "EventBusName", eventsDefaultBus)
	if name != eventsDefaultBus && name != c.arn("events", "event-bus/"+eventsDefaultBus) {
		return fault("ResourceNotFoundException", "Event bus %s does not exist.", name)
	}
	return nil
}

// onRule finds the rule that a member of a request names.
func (w *World) onRule(member string, do func(*Call, *eventsRule) (Params, error)) Handler {
	return func(c *Call) (Params, error) {
		if err := c.bus(); err != nil {
			return nil, err
		}
		r := w.events().rules[c.arn("events", "rule/"+text(c.In, member))]
		if r == nil {
			return nil, fault("ResourceNotFoundException", "Rule %s does not exist on EventBus default.", text(c.In, member))
		}
		return do(c, r)
	}
}

func (w *World) eventsTags(_ *Call, arn string) (tagSet, error) {
	if r := w.events().rules[arn]; r != nil {
		return r.tags, nil
	}
	return nil, fault("ResourceNotFoundException", "Rule %s does not exist on EventBus default.", arn[strings.LastIndex(arn, "/")+1:])
}

// eventsPut makes a rule or replaces all of one but its targets. Tags count for a
// new rule only (API reference, PutRule).
func (w *World) eventsPut(c *Call) (Params, error) {
	if err := c.bus(); err != nil {
		return nil, err
	}
	if err := w.eventsRuleFault(c); err != nil {
		return nil, err
	}
	arn := c.arn("events", "rule/"+text(c.In, "Name"))
	r := w.events().rules[arn]
	if r == nil {
		if err := (tagging{tags: "Tags", invalid: "ValidationException", many: "ValidationException"}).check(c.In, nil); err != nil {
			return nil, err
		}
		r = &eventsRule{arn: arn, name: text(c.In, "Name"), region: c.Region, tags: tagsIn(c.In, "Tags"), targets: map[string]Params{}}
		w.events().rules[arn] = r
	}
	r.in, r.state = c.In, orElse(c.In, "State", "ENABLED")
	return Params{"RuleArn": arn}, nil
}

// eventsRuleFault refuses a rule that says nothing, or says it wrong.
func (w *World) eventsRuleFault(c *Call) error {
	pattern, schedule, role := text(c.In, "EventPattern"), text(c.In, "ScheduleExpression"), text(c.In, "RoleArn")
	switch {
	case pattern == "" && schedule == "":
		return fault("ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified.")
	case schedule != "" && !validExpression(schedule, false):
		return fault("ValidationException", "Parameter ScheduleExpression is not valid.")
	case len(pattern) > mostPattern:
		return fault("InvalidEventPatternException", "Event pattern is not valid. Reason: The event pattern has more than %d characters", mostPattern)
	case role != "" && !w.roleUsableBy(role, "events.amazonaws.com"):
		return eventsRoleFault(role)
	}
	if pattern != "" {
		if reason := patternFault(pattern); reason != "" {
			return fault("InvalidEventPatternException", "Event pattern is not valid. Reason: %s", reason)
		}
	}
	return nil
}

func eventsRoleFault(role string) *Fault {
	return fault("ValidationException", "Provided role '%s' cannot be assumed by principal 'events.amazonaws.com'.", role)
}

func (r *eventsRule) view() Params {
	out := pick(r.in, "EventPattern", "ScheduleExpression", "Description", "RoleArn")
	out["Name"], out["Arn"], out["State"], out["EventBusName"] = r.name, r.arn, r.state, eventsDefaultBus
	return out
}

func eventsDescribe(c *Call, r *eventsRule) (Params, error) {
	out := r.view()
	out["CreatedBy"] = c.Account
	return out, nil
}

// eventsSwitch sets whether a rule is on.
func eventsSwitch(state string) func(*Call, *eventsRule) (Params, error) {
	return func(_ *Call, r *eventsRule) (Params, error) {
		r.state = state
		return Params{}, nil
	}
}

// eventsDelete removes a rule that has no targets. One that is not there is
// removed already (API reference, DeleteRule).
func (w *World) eventsDelete(c *Call) (Params, error) {
	if err := c.bus(); err != nil {
		return nil, err
	}
	arn := c.arn("events", "rule/"+text(c.In, "Name"))
	if r := w.events().rules[arn]; r != nil && len(r.targets) > 0 {
		return nil, fault("ValidationException", "Rule can't be deleted since it has targets.")
	}
	delete(w.events().rules, arn)
	return Params{}, nil
}

func (w *World) eventsList(c *Call) (Params, error) {
	if err := c.bus(); err != nil {
		return nil, err
	}
	var all []Params
	for _, r := range sorted(w.events().rules) {
		if r.region == c.Region && strings.HasPrefix(r.name, text(c.In, "NamePrefix")) {
			all = append(all, r.view())
		}
	}
	return eventsListed(c, "Rules", all)
}

// eventsListed is one page of a list.
func eventsListed(c *Call, member string, all []Params) (Params, error) {
	page, next, ok := pageOf(all, text(c.In, "NextToken"), int(number(c.In, "Limit", eventsPage)))
	if !ok {
		return nil, fault("ValidationException", "The next token is not valid.")
	}
	shown := make([]any, 0, len(page))
	for _, p := range page {
		shown = append(shown, p)
	}
	out := Params{}
	if len(shown) > 0 || member != "Targets" { // the model has no empty list of targets
		out[member] = shown
	}
	if next != "" {
		out["NextToken"] = next
	}
	return out, nil
}

// eventsPutTargets adds targets, and replaces those with the same IDs.
func (w *World) eventsPutTargets(c *Call, r *eventsRule) (Params, error) {
	fresh := maps.Clone(r.targets)
	for _, t := range structures(c.In, "Targets") {
		if err := w.eventsTargetFault(t); err != nil {
			return nil, err
		}
		fresh[text(t, "Id")] = t
	}
	if len(fresh) > mostTargets {
		return nil, fault("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
	}
	r.targets = fresh
	return Params{"FailedEntryCount": 0, "FailedEntries": []any{}}, nil
}

// eventsTargetFault refuses targets that contradict themselves, and roles that
// EventBridge cannot assume. Pipelines are started with a role (API reference,
// Target).
func (w *World) eventsTargetFault(t Params) error {
	arn, role := text(t, "Arn"), text(t, "RoleArn")
	inputs := 0
	for _, member := range []string{"Input", "InputPath", "InputTransformer"} {
		if t[member] != nil {
			inputs++
		}
	}
	needsRole := slices.Contains([]string{"sagemaker", "states", "kinesis", "ecs", "batch", "ssm"}, arnPart(arn, 2))
	switch {
	case arnPart(arn, 2) == "":
		return fault("ValidationException", "Parameter %s is not valid. Reason: Provided Arn is not in correct format.", arn)
	case inputs > 1:
		return fault("ValidationException", "Only one of Input, InputPath, or InputTransformer must be provided for target %s.", text(t, "Id"))
	case t["SageMakerPipelineParameters"] != nil && arnPart(arn, 2) != "sagemaker":
		return fault("ValidationException", "Parameter(s) SageMakerPipelineParameters not valid for target %s.", text(t, "Id"))
	case needsRole && role == "":
		return fault("ValidationException", "RoleArn is required for target %s.", arn)
	case role != "" && !w.roleUsableBy(role, "events.amazonaws.com"):
		return eventsRoleFault(role)
	}
	return nil
}

func eventsRemoveTargets(c *Call, r *eventsRule) (Params, error) {
	failed := []any{}
	for _, id := range texts(c.In, "Ids") {
		if r.targets[id] == nil {
			failed = append(failed, Params{
				"TargetId": id, "ErrorCode": "ResourceNotFoundException",
				"ErrorMessage": "Rule " + r.name + " does not have a target with the Id " + id + ".",
			})
		}
		delete(r.targets, id)
	}
	return Params{"FailedEntryCount": len(failed), "FailedEntries": failed}, nil
}

func eventsListTargets(c *Call, r *eventsRule) (Params, error) {
	return eventsListed(c, "Targets", sorted(r.targets))
}
