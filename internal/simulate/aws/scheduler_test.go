package aws_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

const pipelineARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn"

// nightly is a schedule that is sound.
func nightly(role *string) scheduler.CreateScheduleInput {
	return scheduler.CreateScheduleInput{
		Name: sdk.String("nightly"), ScheduleExpression: sdk.String("cron(0 3 * * ? *)"), ScheduleExpressionTimezone: sdk.String("Australia/Sydney"),
		FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
		Target: &types.Target{
			Arn: sdk.String(pipelineARN), RoleArn: role,
			SageMakerPipelineParameters: &types.SageMakerPipelineParameters{PipelineParameterList: []types.SageMakerPipelineParameter{{Name: sdk.String("depth"), Value: sdk.String("4")}}},
		},
	}
}

func TestScheduleLife(t *testing.T) {
	t.Parallel()
	_, config := openServices(t, aws.Config{})
	c, role := scheduler.NewFromConfig(config), makeRole(t, config, "clock", "scheduler.amazonaws.com")
	in := nightly(role)
	in.ClientToken = sdk.String("once")
	made := must[*scheduler.CreateScheduleOutput](t)(c.CreateSchedule(t.Context(), &in))
	if *made.ScheduleArn != "arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly" {
		t.Errorf("made %s", *made.ScheduleArn)
	}
	must[*scheduler.CreateScheduleOutput](t)(c.CreateSchedule(t.Context(), &in)) // the same request again
	in.ClientToken = sdk.String("twice")
	_, err := c.CreateSchedule(t.Context(), &in)
	wantFault(t, err, "ConflictException", "Schedule nightly already exists.")

	get := func() *scheduler.GetScheduleOutput {
		return must[*scheduler.GetScheduleOutput](t)(c.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: sdk.String("nightly")}))
	}
	got := get()
	if got.State != types.ScheduleStateEnabled || *got.ScheduleExpressionTimezone != "Australia/Sydney" || *got.Target.RetryPolicy.MaximumRetryAttempts != 185 ||
		*got.Target.SageMakerPipelineParameters.PipelineParameterList[0].Value != "4" || got.ActionAfterCompletion != types.ActionAfterCompletionNone {
		t.Errorf("got %+v", got)
	}
	must[*scheduler.UpdateScheduleOutput](t)(c.UpdateSchedule(t.Context(), &scheduler.UpdateScheduleInput{
		Name: in.Name, ScheduleExpression: sdk.String("rate(2 hours)"), FlexibleTimeWindow: in.FlexibleTimeWindow, Target: in.Target, State: types.ScheduleStateDisabled,
	}))
	if got = get(); got.State != types.ScheduleStateDisabled || *got.ScheduleExpressionTimezone != "UTC" || *got.ScheduleExpression != "rate(2 hours)" {
		t.Errorf("then got %+v", got)
	}
	must[*scheduler.DeleteScheduleOutput](t)(c.DeleteSchedule(t.Context(), &scheduler.DeleteScheduleInput{Name: in.Name}))
	_, err = c.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: in.Name})
	wantFault(t, err, "ResourceNotFoundException", "Schedule nightly does not exist.")
}

func TestScheduleGroupLife(t *testing.T) {
	t.Parallel()
	_, config := openServices(t, aws.Config{})
	c, role, group := scheduler.NewFromConfig(config), makeRole(t, config, "clock", "scheduler.amazonaws.com"), sdk.String("churn-dev")
	in := nightly(role)
	in.GroupName = group
	_, err := c.CreateSchedule(t.Context(), &in)
	wantFault(t, err, "ResourceNotFoundException", "Schedule group churn-dev does not exist.")
	made := must[*scheduler.CreateScheduleGroupOutput](t)(c.CreateScheduleGroup(t.Context(), &scheduler.CreateScheduleGroupInput{Name: group, Tags: []types.Tag{{Key: sdk.String("a"), Value: sdk.String("1")}}}))
	_, err = c.CreateScheduleGroup(t.Context(), &scheduler.CreateScheduleGroupInput{Name: group})
	wantFault(t, err, "ConflictException", "already exists")
	must[*scheduler.TagResourceOutput](t)(c.TagResource(t.Context(), &scheduler.TagResourceInput{ResourceArn: made.ScheduleGroupArn, Tags: []types.Tag{{Key: sdk.String("b"), Value: sdk.String("2")}}}))
	if tags := must[*scheduler.ListTagsForResourceOutput](t)(c.ListTagsForResource(t.Context(), &scheduler.ListTagsForResourceInput{ResourceArn: made.ScheduleGroupArn})).Tags; len(tags) != 2 {
		t.Errorf("tags are %+v", tags)
	}
	for i := range 5 {
		in.Name = sdk.String(fmt.Sprintf("s%d", i))
		must[*scheduler.CreateScheduleOutput](t)(c.CreateSchedule(t.Context(), &in))
	}
	var names []string
	pages := scheduler.NewListSchedulesPaginator(c, &scheduler.ListSchedulesInput{GroupName: group, MaxResults: sdk.Int32(2)})
	for pages.HasMorePages() {
		for _, s := range must[*scheduler.ListSchedulesOutput](t)(pages.NextPage(t.Context())).Schedules {
			names = append(names, *s.Name)
		}
	}
	if diff := cmp.Diff([]string{"s0", "s1", "s2", "s3", "s4"}, names); diff != "" {
		t.Error(diff)
	}
	groups := must[*scheduler.ListScheduleGroupsOutput](t)(c.ListScheduleGroups(t.Context(), &scheduler.ListScheduleGroupsInput{}))
	if len(groups.ScheduleGroups) != 2 {
		t.Errorf("groups are %+v", groups.ScheduleGroups)
	}
	must[*scheduler.DeleteScheduleGroupOutput](t)(c.DeleteScheduleGroup(t.Context(), &scheduler.DeleteScheduleGroupInput{Name: group}))
	_, err = c.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: in.Name, GroupName: group})
	wantFault(t, err, "ResourceNotFoundException", "")
	_, err = c.DeleteScheduleGroup(t.Context(), &scheduler.DeleteScheduleGroupInput{Name: sdk.String("default")})
	wantFault(t, err, "ValidationException", "default")
}

func TestScheduleRefuses(t *testing.T) {
	t.Parallel()
	_, config := openServices(t, aws.Config{})
	c, role := scheduler.NewFromConfig(config), makeRole(t, config, "clock", "scheduler.amazonaws.com")
	other := makeRole(t, config, "execution", "sagemaker.amazonaws.com")
	cases := []struct {
		name, words string
		change      func(*scheduler.CreateScheduleInput)
	}{
		{"an expression", "Invalid Schedule Expression", func(in *scheduler.CreateScheduleInput) { in.ScheduleExpression = sdk.String("cron(0 3 * * * *)") }},
		{"a time zone", "Timezone", func(in *scheduler.CreateScheduleInput) {
			in.ScheduleExpressionTimezone = sdk.String("Australia/Atlantis")
		}},
		{"a window that is off", "MaximumWindowInMinutes", func(in *scheduler.CreateScheduleInput) {
			in.FlexibleTimeWindow = &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff, MaximumWindowInMinutes: sdk.Int32(5)}
		}},
		{"a window without its length", "MaximumWindowInMinutes", func(in *scheduler.CreateScheduleInput) {
			in.FlexibleTimeWindow = &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeFlexible}
		}},
		{"an end before the start", "StartDate", func(in *scheduler.CreateScheduleInput) {
			in.StartDate, in.EndDate = sdk.Time(time.Unix(2e9, 0)), sdk.Time(time.Unix(1e9, 0))
		}},
		{"another service's role", "must allow AWS EventBridge Scheduler to assume the role", func(in *scheduler.CreateScheduleInput) { in.Target.RoleArn = other }},
		{"a role that is not", "must allow AWS EventBridge Scheduler to assume the role", func(in *scheduler.CreateScheduleInput) {
			in.Target.RoleArn = sdk.String("arn:aws:iam::123456789012:role/none")
		}},
		{"parameters of something else", "SageMaker pipeline", func(in *scheduler.CreateScheduleInput) {
			in.Target.Arn = sdk.String("arn:aws:lambda:us-east-1:123456789012:function:f")
		}},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := nightly(role)
			tt.change(&in)
			_, err := c.CreateSchedule(t.Context(), &in)
			wantFault(t, err, "ValidationException", tt.words)
		})
	}
}

// TestScheduleLag sees a new role refused until it is seen everywhere.
func TestScheduleLag(t *testing.T) {
	t.Parallel()
	_, config := openServices(t, aws.Config{Lag: 2})
	c := scheduler.NewFromConfig(config)
	in := nightly(makeRole(t, config, "clock", "scheduler.amazonaws.com"))
	for range 2 {
		_, err := c.CreateSchedule(t.Context(), &in)
		wantFault(t, err, "ValidationException", "assume the role")
	}
	must[*scheduler.CreateScheduleOutput](t)(c.CreateSchedule(t.Context(), &in))
}

// TestScheduleExpressions goes through the service, as its expressions do.
func TestScheduleExpressions(t *testing.T) {
	t.Parallel()
	_, config := openServices(t, aws.Config{})
	c, role := scheduler.NewFromConfig(config), makeRole(t, config, "clock", "scheduler.amazonaws.com")
	good := []string{
		"cron(0 3 * * ? *)", "cron(*/15 * ? * MON-FRI *)", "cron(0 8 1,15 * ? 2030)", "cron(0 0 L * ? *)", "cron(0 0 15W * ? *)", "cron(0 0 LW * ? *)",
		"cron(30 9 ? * 2#1 *)", "cron(0 9 ? JAN-MAR 6L *)", "cron(5/10 0-6 * * ? 2025-2030)", "rate(1 minute)", "rate(5 minutes)", "rate(12 hours)", "rate(1 day)", "at(2030-02-28T23:59:59)",
	}
	bad := []string{
		"0 3 * * ? *", "cron(0 3 * * *)", "cron(0 3 * * * *)", "cron(0 3 ? * ? *)", "cron(60 3 * * ? *)", "cron(0 24 * * ? *)", "cron(0 3 32 * ? *)", "cron(0 3 * 13 ? *)", "cron(0 3 ? * 8 *)",
		"cron(0 3 ? * MON#6 *)", "cron(0 3 * * ? 1969)", "cron(0 3 * * ? *", "cron(5-1 3 * * ? *)", "cron(*/0 3 * * ? *)", "cron(? 3 * * ? *)", "rate(0 minutes)", "rate(1 minutes)", "rate(5 minute)", "rate(5 seconds)", "rate(1.5 hours)",
		"at(2030-02-30T00:00:00)", "at(2030-02-28)", "every(5 minutes)",
	}
	for i, expressions := range [][]string{good, bad} {
		for j, e := range expressions {
			t.Run(e, func(t *testing.T) {
				t.Parallel()
				in := nightly(role)
				in.Name, in.ScheduleExpression = sdk.String(fmt.Sprintf("s-%d-%d", i, j)), &e
				_, err := c.CreateSchedule(t.Context(), &in)
				if i == 0 && err != nil || i == 1 && (err == nil || !strings.Contains(err.Error(), "Invalid Schedule Expression")) {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}
