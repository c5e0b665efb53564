package aws_test

import (
	"strconv"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

func TestRuleLife(t *testing.T) {
	t.Parallel()
	_, config := openServices(t, aws.Config{})
	c, role, rule := eventbridge.NewFromConfig(config), makeRole(t, config, "retrain", "events.amazonaws.com"), sdk.String("drift")
	pattern := `{"source": ["aws.cloudwatch"], "detail": {"alarmName": [{"prefix": "churn-"}], "state": {"value": ["ALARM"]}}}`
	made := must[*eventbridge.PutRuleOutput](t)(c.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: rule, EventPattern: &pattern, Description: sdk.String("d"), Tags: []types.Tag{{Key: sdk.String("a"), Value: sdk.String("1")}}}))
	target := types.Target{Id: sdk.String("pipeline"), Arn: sdk.String(pipelineARN), RoleArn: role, SageMakerPipelineParameters: &types.SageMakerPipelineParameters{PipelineParameterList: []types.SageMakerPipelineParameter{{Name: sdk.String("why"), Value: sdk.String("drift")}}}}
	if out := must[*eventbridge.PutTargetsOutput](t)(c.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: rule, Targets: []types.Target{target}})); out.FailedEntryCount != 0 {
		t.Errorf("failed %+v", out.FailedEntries)
	}
	describe := func() *eventbridge.DescribeRuleOutput {
		return must[*eventbridge.DescribeRuleOutput](t)(c.DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: rule}))
	}
	if got := describe(); *got.EventPattern != pattern || got.State != types.RuleStateEnabled || *got.Arn != *made.RuleArn || *got.EventBusName != "default" {
		t.Errorf("got %+v", got)
	}
	must[*eventbridge.DisableRuleOutput](t)(c.DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: rule}))
	if got := describe(); got.State != types.RuleStateDisabled {
		t.Errorf("the rule is %s", got.State)
	}
	// A second put replaces all but the tags and the targets.
	must[*eventbridge.PutRuleOutput](t)(c.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: rule, ScheduleExpression: sdk.String("rate(1 day)"), Tags: []types.Tag{{Key: sdk.String("b"), Value: sdk.String("2")}}}))
	if got := describe(); got.EventPattern != nil || got.Description != nil || got.State != types.RuleStateEnabled || *got.ScheduleExpression != "rate(1 day)" {
		t.Errorf("then got %+v", got)
	}
	if tags := must[*eventbridge.ListTagsForResourceOutput](t)(c.ListTagsForResource(t.Context(), &eventbridge.ListTagsForResourceInput{ResourceARN: made.RuleArn})).Tags; len(tags) != 1 || *tags[0].Key != "a" {
		t.Errorf("tags are %+v", tags)
	}
	targets := must[*eventbridge.ListTargetsByRuleOutput](t)(c.ListTargetsByRule(t.Context(), &eventbridge.ListTargetsByRuleInput{Rule: rule}))
	if len(targets.Targets) != 1 || *targets.Targets[0].SageMakerPipelineParameters.PipelineParameterList[0].Value != "drift" {
		t.Errorf("targets are %+v", targets.Targets)
	}
	_, err := c.DeleteRule(t.Context(), &eventbridge.DeleteRuleInput{Name: rule})
	wantFault(t, err, "ValidationException", "Rule can't be deleted since it has targets.")
	must[*eventbridge.RemoveTargetsOutput](t)(c.RemoveTargets(t.Context(), &eventbridge.RemoveTargetsInput{Rule: rule, Ids: []string{"pipeline"}}))
	for range 2 {
		must[*eventbridge.DeleteRuleOutput](t)(c.DeleteRule(t.Context(), &eventbridge.DeleteRuleInput{Name: rule}))
	}
	_, err = c.DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: rule})
	wantFault(t, err, "ResourceNotFoundException", "Rule drift does not exist on EventBus default.")
}

func TestRuleRefuses(t *testing.T) {
	t.Parallel()
	_, config := openServices(t, aws.Config{})
	c, role := eventbridge.NewFromConfig(config), makeRole(t, config, "retrain", "events.amazonaws.com")
	other := makeRole(t, config, "execution", "sagemaker.amazonaws.com")
	put := func(in eventbridge.PutRuleInput) error {
		in.Name = sdk.String("r")
		_, err := c.PutRule(t.Context(), &in)
		return err
	}
	pattern := func(p string) error { return put(eventbridge.PutRuleInput{EventPattern: &p}) }
	if err := pattern(`{"source": ["aws.sagemaker"]}`); err != nil {
		t.Fatal(err)
	}
	target := func(targets ...types.Target) error {
		_, err := c.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: sdk.String("r"), Targets: targets})
		return err
	}
	var many []types.Target
	for i := range 6 {
		many = append(many, types.Target{Id: sdk.String(strconv.Itoa(i)), Arn: sdk.String("arn:aws:sns:us-east-1:123456789012:t")})
	}
	cases := []struct {
		name, code, words string
		err               error
	}{
		{"a rule of nothing", "ValidationException", "must be specified", put(eventbridge.PutRuleInput{})},
		{"a bad schedule", "ValidationException", "ScheduleExpression is not valid", put(eventbridge.PutRuleInput{ScheduleExpression: sdk.String("at(2030-01-01T00:00:00)")})},
		{"another bus", "ResourceNotFoundException", "Event bus mine", put(eventbridge.PutRuleInput{EventBusName: sdk.String("mine"), EventPattern: sdk.String(`{"source": ["a"]}`)})},
		{"a pattern that is no JSON", "InvalidEventPatternException", "not an object", pattern("x")},
		{"a value that is no list", "InvalidEventPatternException", "must be an object or an array", pattern(`{"source": "aws.sagemaker"}`)},
		{"an empty list", "InvalidEventPatternException", "Empty arrays", pattern(`{"source": []}`)},
		{"an unknown comparison", "InvalidEventPatternException", "Unrecognized match type", pattern(`{"source": [{"like": "a"}]}`)},
		{"a pattern that is too long", "InvalidEventPatternException", "4096", pattern(`{"source": ["` + strings.Repeat("x", 4096) + `"]}`)},
		{"a target without a role", "ValidationException", "RoleArn is required", target(types.Target{Id: sdk.String("1"), Arn: sdk.String(pipelineARN)})},
		{"another service's role", "ValidationException", "cannot be assumed", target(types.Target{Id: sdk.String("1"), Arn: sdk.String(pipelineARN), RoleArn: other})},
		{"two inputs", "ValidationException", "Only one of", target(types.Target{Id: sdk.String("1"), Arn: sdk.String(pipelineARN), RoleArn: role, Input: sdk.String("{}"), InputPath: sdk.String("$")})},
		{"six targets", "LimitExceededException", "", target(many...)},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantFault(t, tt.err, tt.code, tt.words)
		})
	}
}
