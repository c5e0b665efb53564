package aws

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"time"
)

// schedulerState is what the service keeps.
type schedulerState struct {
	schedules map[string]*schedulerSchedule // by ARN
	groups    map[string]*schedulerGroup    // by ARN
	tokens    map[string]string             // ARNs by operation and client token
}

type schedulerSchedule struct {
	arn, group, name, region string
	in                       Params
	created, modified        time.Time
}

type schedulerGroup struct {
	arn, name, region string
	created, modified time.Time
	tags              tagSet
}

// defaultGroup is the group that always is.
const defaultGroup = "default"

// scheduler returns the service's state, made at its first use.
func (w *World) scheduler() *schedulerState {
	if w.schedules == nil {
		w.schedules = &schedulerState{
			schedules: map[string]*schedulerSchedule{}, groups: map[string]*schedulerGroup{}, tokens: map[string]string{},
		}
	}
	return w.schedules
}

func (w *World) schedulerHandlers() map[string]Handler {
	all := tagging{
		arn: "ResourceArn", tags: "Tags", keys: "TagKeys", invalid: "ValidationException", many: "ValidationException", find: w.schedulerTags,
	}.handlers()
	maps.Copy(all, map[string]Handler{
		"CreateSchedule": w.schedulerCreate, "GetSchedule": w.schedulerGet, "UpdateSchedule": w.schedulerUpdate,
		"DeleteSchedule": w.schedulerDelete, "ListSchedules": w.schedulerList,
		"CreateScheduleGroup": w.schedulerCreateGroup, "GetScheduleGroup": w.schedulerGetGroup,
		"DeleteScheduleGroup": w.schedulerDeleteGroup, "ListScheduleGroups": w.schedulerListGroups,
	})
	return all
}

// schedulerMissing is how the service says that there is no such thing.
func schedulerMissing(kind, name string) *Fault {
	f := fault("ResourceNotFoundException", "%s %s does not exist.", kind, name)
	f.Status = http.StatusNotFound
	return f
}

func schedulerInvalid(format string, args ...any) *Fault {
	return fault("ValidationException", format, args...)
}

func schedulerTaken(kind, name string) *Fault {
	f := fault("ConflictException", "%s %s already exists.", kind, name)
	f.Status = http.StatusConflict
	return f
}

func schedulerARN(c *Call) string {
	return c.arn("scheduler", "schedule/"+orElse(c.In, "GroupName", defaultGroup)+"/"+text(c.In, "Name"))
}

func (w *World) schedulerCreate(c *Call) (Params, error) {
	s, arn := w.scheduler(), schedulerARN(c)
	if token := c.token(); token != "" && s.tokens[token] == arn && s.schedules[arn] != nil {
		return Params{"ScheduleArn": arn}, nil
	}
	group := orElse(c.In, "GroupName", defaultGroup)
	if w.schedulerGroup(c, group) == nil {
		return nil, schedulerMissing("Schedule group", group)
	}
	if err := w.schedulerChecked(c); err != nil {
		return nil, err
	}
	if s.schedules[arn] != nil {
		return nil, schedulerTaken("Schedule", text(c.In, "Name"))
	}
	s.schedules[arn] = &schedulerSchedule{
		arn: arn, group: group, name: text(c.In, "Name"), region: c.Region, in: c.In, created: c.Time, modified: c.Time,
	}
	s.remember(c.token(), arn)
	return Params{"ScheduleArn": arn}, nil
}

// token is the request's idempotency token, apart for each operation; "" if it
// has none.
func (c *Call) token() string {
	if t := text(c.In, "ClientToken"); t != "" {
		return c.Region + " " + c.Operation + " " + t
	}
	return ""
}

func (s *schedulerState) remember(token, arn string) {
	if token != "" {
		s.tokens[token] = arn
	}
}

// schedulerChecked holds a request to the rules of the EventBridge Scheduler user
// guide and API reference. That the role is looked at when a schedule is made, and
// the words for it, is what users report.
func (w *World) schedulerChecked(c *Call) error {
	window, target := structure(c.In, "FlexibleTimeWindow"), structure(c.In, "Target")
	start, _ := c.In["StartDate"].(time.Time)
	end, ends := c.In["EndDate"].(time.Time)
	switch {
	case !validExpression(text(c.In, "ScheduleExpression"), true):
		return schedulerInvalid("Invalid Schedule Expression %s.", text(c.In, "ScheduleExpression"))
	case !validZone(orElse(c.In, "ScheduleExpressionTimezone", "UTC")):
		return schedulerInvalid("Invalid Schedule Expression Timezone %s.", text(c.In, "ScheduleExpressionTimezone"))
	case (text(window, "Mode") == "FLEXIBLE") != (window["MaximumWindowInMinutes"] != nil):
		return schedulerInvalid("MaximumWindowInMinutes must be set if, and only if, the mode of FlexibleTimeWindow is FLEXIBLE.")
	case ends && !start.Before(end):
		return schedulerInvalid("The StartDate must come before the EndDate.")
	}
	if err := schedulerTargetFault(target); err != nil {
		return err
	}
	if !w.roleUsableBy(text(target, "RoleArn"), "scheduler.amazonaws.com") {
		return schedulerInvalid("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
	}
	return nil
}

// schedulerTargetFault refuses targets that contradict themselves.
func schedulerTargetFault(target Params) error {
	arn, input := text(target, "Arn"), text(target, "Input")
	pipeline := arnPart(arn, 2) == "sagemaker" && strings.HasPrefix(arnPart(arn, 5), "pipeline/")
	switch {
	case arnPart(arn, 2) == "":
		return schedulerInvalid("Provided Arn is not in correct format.")
	case target["SageMakerPipelineParameters"] != nil && !pipeline:
		return schedulerInvalid("SageMakerPipelineParameters can only be used with a SageMaker pipeline as a target.")
	case pipeline && input != "":
		return schedulerInvalid("Input is not supported for a SageMaker pipeline as a target.")
	case strings.Contains(arn, ":aws-sdk:") && input != "" && !json.Valid([]byte(input)):
		return schedulerInvalid("Invalid RequestJson provided. Reason: The Input is not valid JSON.")
	}
	return nil
}

// view is a schedule with the defaults that the service fills in (API reference,
// CreateSchedule and RetryPolicy).
func (s *schedulerSchedule) view() Params {
	out := pick(s.in, "Description", "EndDate", "StartDate", "FlexibleTimeWindow", "KmsKeyArn", "ScheduleExpression")
	out["Arn"], out["GroupName"], out["Name"] = s.arn, s.group, s.name
	out["CreationDate"], out["LastModificationDate"] = s.created, s.modified
	out["State"] = orElse(s.in, "State", "ENABLED")
	out["ScheduleExpressionTimezone"] = orElse(s.in, "ScheduleExpressionTimezone", "UTC")
	out["ActionAfterCompletion"] = orElse(s.in, "ActionAfterCompletion", "NONE")
	target := maps.Clone(structure(s.in, "Target"))
	retry := structure(target, "RetryPolicy")
	target["RetryPolicy"] = Params{
		"MaximumEventAgeInSeconds": number(retry, "MaximumEventAgeInSeconds", 86400),
		"MaximumRetryAttempts":     number(retry, "MaximumRetryAttempts", 185),
	}
	out["Target"] = target
	return out
}

// schedulerFind finds the schedule that a request names.
func (w *World) schedulerFind(c *Call) (*schedulerSchedule, error) {
	if s := w.scheduler().schedules[schedulerARN(c)]; s != nil {
		return s, nil
	}
	return nil, schedulerMissing("Schedule", text(c.In, "Name"))
}

func (w *World) schedulerGet(c *Call) (Params, error) {
	s, err := w.schedulerFind(c)
	if err != nil {
		return nil, err
	}
	return s.view(), nil
}

// schedulerUpdate replaces all of a schedule: what a request leaves out goes back
// to its default (API reference, UpdateSchedule).
func (w *World) schedulerUpdate(c *Call) (Params, error) {
	s, err := w.schedulerFind(c)
	if err != nil {
		return nil, err
	}
	if err := w.schedulerChecked(c); err != nil {
		return nil, err
	}
	s.in, s.modified = c.In, c.Time
	return Params{"ScheduleArn": s.arn}, nil
}

func (w *World) schedulerDelete(c *Call) (Params, error) {
	s, err := w.schedulerFind(c)
	if err != nil {
		return nil, err
	}
	delete(w.scheduler().schedules, s.arn)
	return Params{}, nil
}

func (w *World) schedulerList(c *Call) (Params, error) {
	var all []Params
	for _, s := range sorted(w.scheduler().schedules) {
		if s.listed(c) {
			v := s.view()
			shown := pick(v, "Arn", "CreationDate", "GroupName", "LastModificationDate", "Name", "State")
			shown["Target"] = pick(structure(v, "Target"), "Arn")
			all = append(all, shown)
		}
	}
	return schedulerListed(c, "Schedules", all)
}

// listed reports whether a list request asks for a schedule.
func (s *schedulerSchedule) listed(c *Call) bool {
	return s.region == c.Region && strings.HasPrefix(s.name, text(c.In, "NamePrefix")) &&
		s.group == orElse(c.In, "GroupName", s.group) && orElse(s.in, "State", "ENABLED") == orElse(c.In, "State", orElse(s.in, "State", "ENABLED"))
}

// schedulerListed is one page of a list.
func schedulerListed(c *Call, member string, all []Params) (Params, error) {
	page, next, ok := pageOf(all, text(c.In, "NextToken"), int(number(c.In, "MaxResults", 100)))
	if !ok {
		return nil, schedulerInvalid("Invalid NextToken.")
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
