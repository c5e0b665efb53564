package sagemaker

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The rules of a monitor by what they listen to, and the targets of a rule.
const (
	ruleData   = "-data"   // a job on data ended with violations, which are to be told
	ruleTrain  = "-train"  // a job ended with violations, which start the pipeline
	ruleHealth = "-health" // an alarm of health went off

	targetTell  = "tell"
	targetTrain = "train"
)

// violatedMessage is how the analyzer's exit message begins where it found
// violations.
const violatedMessage = "CompletedWithViolations"

// putMonitorRules makes the rules that a monitor needs, and removes the others.
func (k monitorKind) putMonitorRules(ctx context.Context, p monitorPlan, health []string, tags map[string]string) error {
	s, want := p.monitorScene, monitorRules(p, health)
	for _, suffix := range ruleSuffixes() {
		rule := ruleName(s, suffix)
		in, ok := want[suffix]
		if !ok {
			if err := k.dropRule(ctx, s.c, rule); err != nil {
				return err
			}
			continue
		}
		if _, err := s.c.events.PutRule(ctx, &eventbridge.PutRuleInput{
			Name: &rule, Description: aws.String("of " + string(s.id)), EventPattern: &in.pattern, State: types.RuleStateEnabled,
		}); err != nil {
			return err
		}
		arn := s.c.arn("events", s.account, "rule/"+rule)
		if _, err := s.c.events.TagResource(ctx, &eventbridge.TagResourceInput{ResourceARN: &arn, Tags: eventTags(tags)}); err != nil {
			return err
		}
		if err := k.putTargets(ctx, s.c, rule, in.targets); err != nil {
			return err
		}
	}
	return nil
}

// ruleSuffixes are those of all rules that a monitor may have.
func ruleSuffixes() []string { return []string{ruleData, ruleTrain, ruleHealth} }

func ruleName(s monitorScene, suffix string) string {
	return nativeName(s.id, maxName-len(ruleHealth)) + suffix
}

// monitorRule is a rule as it should be.
type monitorRule struct {
	pattern string
	targets []types.Target
}

// monitorRules says which rules a monitor needs. Findings of jobs that have no alarm
// are told by a rule; alarms, of which health are the names of those of health, tell
// by themselves.
func monitorRules(p monitorPlan, health []string) map[string]monitorRule {
	s, spec := p.monitorScene, p.spec
	out := map[string]monitorRule{}
	if told := p.schedules(jobType.toldByRule); len(told) > 0 {
		targets := []types.Target{{Id: aws.String(targetTell), Arn: &s.topic}}
		out[ruleData] = monitorRule{jobPattern(s, told), targets}
	}
	if started := p.schedules(func(t jobType) bool { return startsAny(spec, t.checks) }); len(started) > 0 {
		out[ruleTrain] = monitorRule{jobPattern(s, started), []types.Target{trainTarget(s, spec.OnViolation)}}
	}
	if len(health) > 0 && starts(spec, "health") {
		out[ruleHealth] = monitorRule{alarmPattern(s, health), []types.Target{trainTarget(s, spec.OnViolation)}}
	}
	return out
}

// schedules are the names of the schedules of some types of jobs, of those that a
// monitor needs.
func (p monitorPlan) schedules(of func(jobType) bool) []string {
	var names []string
	for _, t := range jobTypes() {
		if t.wanted(p.spec) && of(t) {
			names = append(names, t.schedule(p.id))
		}
	}
	return names
}

// toldByRule reports whether findings of jobs of the type have no alarm that tells.
func (t jobType) toldByRule() bool {
	return t.monitoring == smtypes.MonitoringTypeDataQuality || t.monitoring == smtypes.MonitoringTypeModelExplainability
}

// startsAny reports whether one of some checks starts the pipeline.
func startsAny(spec mlops.MonitorSpec, checks []string) bool {
	return slices.ContainsFunc(checks, func(check string) bool { return starts(spec, check) })
}

// starts reports whether a check that the monitor makes starts the pipeline.
func starts(spec mlops.MonitorSpec, check string) bool {
	return slices.Contains(spec.Checks(), check) && spec.OnViolation.Starts(check)
}

// trainTarget starts the pipeline.
func trainTarget(s monitorScene, o *mlops.OnViolation) types.Target {
	var parameters []types.SageMakerPipelineParameter
	for _, name := range slices.Sorted(maps.Keys(o.Parameters)) {
		parameters = append(parameters, types.SageMakerPipelineParameter{Name: aws.String(name), Value: aws.String(o.Parameters[name])})
	}
	arn := s.c.arn("sagemaker", s.account, "pipeline/"+pipelineName(o.Pipeline))
	t := types.Target{Id: aws.String(targetTrain), Arn: &arn, RoleArn: &s.place.Role}
	if len(parameters) > 0 {
		t.SageMakerPipelineParameters = &types.SageMakerPipelineParameters{PipelineParameterList: parameters}
	}
	return t
}

// jobPattern matches the end of some schedules' jobs with violations.
func jobPattern(s monitorScene, schedules []string) string {
	var arns []string
	for _, name := range schedules {
		arns = append(arns, s.c.arn("sagemaker", s.account, "monitoring-schedule/"+name))
	}
	return eventPattern(map[string]any{
		"source":      []string{"aws.sagemaker"},
		"detail-type": []string{"SageMaker Processing Job State Change"},
		"detail": map[string]any{
			"ProcessingJobStatus":   []string{"Completed"},
			"MonitoringScheduleArn": arns,
			"ExitMessage":           []map[string]string{{"prefix": violatedMessage}},
		},
	})
}

// alarmPattern matches alarms that go off.
func alarmPattern(s monitorScene, alarms []string) string {
	var arns []string
	for _, a := range alarms {
		arns = append(arns, s.c.arn("cloudwatch", s.account, "alarm:"+a))
	}
	return eventPattern(map[string]any{
		"source":      []string{"aws.cloudwatch"},
		"detail-type": []string{"CloudWatch Alarm State Change"},
		"resources":   arns,
		"detail":      map[string]any{"state": map[string]any{"value": []string{"ALARM"}}},
	})
}

// eventPattern writes a pattern.
func eventPattern(pattern map[string]any) string { return jsonText(pattern) }

// putTargets makes a rule's targets, and removes the others.
func (k monitorKind) putTargets(ctx context.Context, c *clients, rule string, want []types.Target) error {
	out, err := c.events.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: &rule})
	if err != nil {
		return err
	}
	var gone []string
	for _, t := range out.Targets {
		if !slices.ContainsFunc(want, func(w types.Target) bool { return *w.Id == *t.Id }) {
			gone = append(gone, *t.Id)
		}
	}
	if len(gone) > 0 {
		if _, err := c.events.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: &rule, Ids: gone}); err != nil {
			return err
		}
	}
	answer, err := c.events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: &rule, Targets: want})
	if err == nil && answer.FailedEntryCount > 0 {
		err = errFailedTarget(answer.FailedEntries[0])
	}
	return err
}

// dropRule removes a rule with its targets; one that is gone is success.
func (k monitorKind) dropRule(ctx context.Context, c *clients, rule string) error {
	out, err := c.events.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: &rule})
	if k.is(err, mlops.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var ids []string
	for _, t := range out.Targets {
		ids = append(ids, *t.Id)
	}
	if len(ids) > 0 {
		if _, err := c.events.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: &rule, Ids: ids}); err != nil {
			return err
		}
	}
	_, err = c.events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: &rule})
	if k.is(err, mlops.NotFound) {
		return nil
	}
	return err
}

func (k monitorKind) dropMonitorRules(ctx context.Context, s monitorScene) error {
	for _, suffix := range ruleSuffixes() {
		if err := k.dropRule(ctx, s.c, ruleName(s, suffix)); err != nil {
			return err
		}
	}
	return nil
}

// errFailedTarget is the error of a target that EventBridge did not take.
func errFailedTarget(e types.PutTargetsResultEntry) error {
	return invalid(fmt.Errorf("EventBridge did not take the target %s: %s: %s", aws.ToString(e.TargetId), aws.ToString(e.ErrorCode), aws.ToString(e.ErrorMessage)))
}

func eventTags(tags map[string]string) []types.Tag {
	var out []types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if !isRecordPiece(key) {
			out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
		}
	}
	return out
}
