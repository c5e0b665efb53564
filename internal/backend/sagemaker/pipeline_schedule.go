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
	cron, err := schedulerCron(spec.Schedule.Cron)
	if err != nil {
		return invalid(fmt.Errorf("schedule.cron: %w", err))
	}
	state := types.ScheduleStateEnabled
	if spec.Schedule.Disabled {
		state = types.ScheduleStateDisabled
	}
	name, zone := scheduleName(s.id), cmp.Or(spec.Schedule.Timezone, "UTC")
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
