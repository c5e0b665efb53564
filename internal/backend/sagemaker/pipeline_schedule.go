package sagemaker

import (
	"cmp"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// maxScheduleName is the longest name of a schedule.
const maxScheduleName = 64

func scheduleName(id mlops.ID) string { return nativeName(id, maxScheduleName) }

// putPipelineSchedule makes the schedule that a pipeline asks for, or removes the
// one that it had.
func (k pipelineKind) putPipelineSchedule(ctx context.Context, s scene, spec mlops.PipelineSpec) error {
	if spec.Schedule == nil {
		return k.dropPipelineSchedule(ctx, s)
	}
	cron, zone, state, err := scheduleOf(spec.Schedule)
	if err != nil {
		return invalid(fmt.Errorf("schedule.cron: %w", err))
	}
	name := scheduleName(s.id)
	target, err := k.scheduleTarget(ctx, s, spec)
	if err != nil {
		return err
	}
	window := &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff}
	description := aws.String("of " + string(s.id))
	_, err = s.c.scheduler.UpdateSchedule(ctx, &scheduler.UpdateScheduleInput{
		Name: &name, ScheduleExpression: &cron, ScheduleExpressionTimezone: &zone, State: state, Target: target, FlexibleTimeWindow: window, Description: description,
	})
	if !k.is(err, mlops.NotFound) {
		return err
	}
	_, err = s.c.scheduler.CreateSchedule(ctx, &scheduler.CreateScheduleInput{
		Name: &name, ScheduleExpression: &cron, ScheduleExpressionTimezone: &zone, State: state, Target: target, FlexibleTimeWindow: window, Description: description,
	})
	return err
}

// scheduleOf is a schedule in EventBridge's words.
func scheduleOf(s *mlops.Schedule) (cron, zone string, state types.ScheduleState, err error) {
	state = types.ScheduleStateEnabled
	if s.Disabled {
		state = types.ScheduleStateDisabled
	}
	cron, err = schedulerCron(s.Cron)
	return cron, cmp.Or(s.Timezone, "UTC"), state, err
}

// pipelineSchedule is the schedule as EventBridge has it, nil if there is none: its
// creation was interrupted, or somebody removed it.
func (k pipelineKind) pipelineSchedule(ctx context.Context, s scene) (*scheduler.GetScheduleOutput, error) {
	out, err := s.c.scheduler.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: aws.String(scheduleName(s.id))})
	if k.is(err, mlops.NotFound) {
		return nil, nil //nolint:nilnil // none is an answer
	}
	return out, err
}

// keeps reports whether a pipeline that is to be scheduled is.
func (p pipelineSeen) keeps(asked *mlops.Schedule) bool {
	if asked == nil {
		return true
	}
	cron, zone, state, err := scheduleOf(asked)
	return err == nil && p.schedule != nil && aws.ToString(p.schedule.ScheduleExpression) == cron &&
		aws.ToString(p.schedule.ScheduleExpressionTimezone) == zone && p.schedule.State == state
}

// scheduleTarget starts the pipeline with its defaults, and with the datasets as
// they are now: EventBridge cannot look them up.
func (k pipelineKind) scheduleTarget(ctx context.Context, s scene, spec mlops.PipelineSpec) (*types.Target, error) {
	datasets, err := k.datasetsOf(ctx, spec)
	if err != nil {
		return nil, err
	}
	t := &types.Target{Arn: &s.arn, RoleArn: &s.place.Role}
	var parameters []types.SageMakerPipelineParameter
	for _, d := range datasets {
		parameters = append(parameters, types.SageMakerPipelineParameter{Name: aws.String(datasetPrefix + d.Ref.Name()), Value: aws.String(d.Status.URI)})
	}
	if len(parameters) > 0 {
		t.SageMakerPipelineParameters = &types.SageMakerPipelineParameters{PipelineParameterList: parameters}
	}
	return t, nil
}

// dropPipelineSchedule removes the schedule; one that is not there is success.
func (k pipelineKind) dropPipelineSchedule(ctx context.Context, s scene) error {
	_, err := s.c.scheduler.DeleteSchedule(ctx, &scheduler.DeleteScheduleInput{Name: aws.String(scheduleName(s.id))})
	if k.is(err, mlops.NotFound) {
		return nil
	}
	return err
}
