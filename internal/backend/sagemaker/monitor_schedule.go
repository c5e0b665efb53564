package sagemaker

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// lookAtSchedule adds to a look whether a job's schedule is in force, and what it
// found.
func (k monitorKind) lookAtSchedule(ctx context.Context, p monitorPlan, j monitorJob, seen *monitorSeen) error {
	out, err := p.c.sagemaker.DescribeMonitoringSchedule(ctx, &sagemaker.DescribeMonitoringScheduleInput{MonitoringScheduleName: &j.scheduled})
	if k.is(err, mlops.NotFound) {
		hold(seen, "the schedule follows", true)
		return nil
	}
	if err != nil {
		return err
	}
	seen.Native[nativeKey(j)] = aws.ToString(out.MonitoringScheduleArn)
	switch {
	case out.MonitoringScheduleStatus == types.ScheduleStatusFailed:
		seen.Phase, seen.Reason = mlops.PhaseFailed, aws.ToString(out.FailureReason)
	case out.MonitoringScheduleStatus == types.ScheduleStatusPending:
		hold(seen, "the schedule is being put in force", false)
	case differs(out.MonitoringScheduleConfig, p.scheduleConfig(j)),
		(out.MonitoringScheduleStatus == types.ScheduleStatusStopped) != p.spec.Schedule.Disabled:
		hold(seen, "the schedule follows the change", true)
	}
	return k.addFindings(ctx, p, j, seen)
}

// nativeKey is under which name a schedule's ARN is shown.
func nativeKey(j monitorJob) string {
	if j.word == "data" {
		return "schedule_arn"
	}
	return j.word + "_schedule_arn"
}

// differs reports whether a schedule has to be changed.
func differs(inForce, wanted *types.MonitoringScheduleConfig) bool {
	if inForce == nil || inForce.ScheduleConfig == nil {
		return true
	}
	have, want := inForce.ScheduleConfig, wanted.ScheduleConfig
	return aws.ToString(inForce.MonitoringJobDefinitionName) != *wanted.MonitoringJobDefinitionName ||
		aws.ToString(have.ScheduleExpression) != *want.ScheduleExpression ||
		aws.ToString(have.DataAnalysisStartTime) != aws.ToString(want.DataAnalysisStartTime) ||
		aws.ToString(have.DataAnalysisEndTime) != aws.ToString(want.DataAnalysisEndTime)
}

// scheduleConfig says when a job runs, and for one that needs no truth how far back
// it looks: others look from where their definitions' offsets say. The spec was
// checked.
func (p monitorPlan) scheduleConfig(j monitorJob) *types.MonitoringScheduleConfig {
	cron, _ := monitoringCron(p.spec.Schedule.Cron, p.spec.Schedule.Timezone)
	when := &types.ScheduleConfig{ScheduleExpression: &cron}
	if !j.needsTruth() {
		when.DataAnalysisStartTime, when.DataAnalysisEndTime = offset(p.spec.Window.Or(mlops.DefaultWindow)), offset(0)
	}
	return &types.MonitoringScheduleConfig{MonitoringJobDefinitionName: &j.definition, MonitoringType: j.monitoring, ScheduleConfig: when}
}

// putSchedule makes a schedule or changes it, and starts or stops it.
func (k monitorKind) putSchedule(ctx context.Context, p monitorPlan, j monitorJob) error {
	name, want := &j.scheduled, p.scheduleConfig(j)
	out, err := p.c.sagemaker.DescribeMonitoringSchedule(ctx, &sagemaker.DescribeMonitoringScheduleInput{MonitoringScheduleName: name})
	switch {
	case k.is(err, mlops.NotFound):
		_, err = p.c.sagemaker.CreateMonitoringSchedule(ctx, &sagemaker.CreateMonitoringScheduleInput{
			MonitoringScheduleName: name, MonitoringScheduleConfig: want, Tags: k.definitionTags(p),
		})
		return err
	case err != nil || out.MonitoringScheduleStatus == types.ScheduleStatusPending: // it takes no change yet
		return err
	case differs(out.MonitoringScheduleConfig, want):
		_, err = p.c.sagemaker.UpdateMonitoringSchedule(ctx, &sagemaker.UpdateMonitoringScheduleInput{MonitoringScheduleName: name, MonitoringScheduleConfig: want})
	case p.spec.Schedule.Disabled && out.MonitoringScheduleStatus == types.ScheduleStatusScheduled:
		_, err = p.c.sagemaker.StopMonitoringSchedule(ctx, &sagemaker.StopMonitoringScheduleInput{MonitoringScheduleName: name})
	case !p.spec.Schedule.Disabled && out.MonitoringScheduleStatus == types.ScheduleStatusStopped:
		_, err = p.c.sagemaker.StartMonitoringSchedule(ctx, &sagemaker.StartMonitoringScheduleInput{MonitoringScheduleName: name})
	}
	return err
}

// dropSchedule takes the next step of removing a schedule, and reports whether it
// is gone.
func (k monitorKind) dropSchedule(ctx context.Context, s monitorScene, name string) (gone bool, err error) {
	out, err := s.c.sagemaker.DescribeMonitoringSchedule(ctx, &sagemaker.DescribeMonitoringScheduleInput{MonitoringScheduleName: &name})
	if k.is(err, mlops.NotFound) {
		return true, nil
	}
	if err != nil || out.MonitoringScheduleStatus == types.ScheduleStatusPending { // it takes no change yet, or is going
		return false, err
	}
	_, err = s.c.sagemaker.DeleteMonitoringSchedule(ctx, &sagemaker.DeleteMonitoringScheduleInput{MonitoringScheduleName: &name})
	if k.is(err, mlops.NotFound) {
		return true, nil
	}
	return false, err
}

// mostExecutions is how many of a schedule's runs are looked through.
const mostExecutions = 100

// addFindings reads what the last run of a schedule found, and when one last found
// a violation.
func (k monitorKind) addFindings(ctx context.Context, p monitorPlan, j monitorJob, seen *monitorSeen) error {
	out, err := p.c.sagemaker.ListMonitoringExecutions(ctx, &sagemaker.ListMonitoringExecutionsInput{
		MonitoringScheduleName: &j.scheduled, MaxResults: aws.Int32(mostExecutions),
		SortBy: types.MonitoringExecutionSortKeyScheduledTime, SortOrder: types.SortOrderDescending,
	})
	if err != nil {
		return err
	}
	all := out.MonitoringExecutionSummaries
	if i := slices.IndexFunc(all, violatedRun); i >= 0 {
		seen.Status.LastViolated = later(seen.Status.LastViolated, aws.ToTime(all[i].LastModifiedTime))
	}
	if i := slices.IndexFunc(all, endedRun); i >= 0 {
		p.addRun(j, all[i], &seen.Status)
	}
	return nil
}

func violatedRun(e types.MonitoringExecutionSummary) bool {
	return e.MonitoringExecutionStatus == types.ExecutionStatusCompletedWithViolations
}

func endedRun(e types.MonitoringExecutionSummary) bool {
	_, ended := executionState(e.MonitoringExecutionStatus)
	return ended
}

// executionState is how a run of a schedule ended.
func executionState(s types.ExecutionStatus) (state mlops.MonitorState, ended bool) {
	switch s {
	case types.ExecutionStatusCompleted:
		return mlops.MonitorOK, true
	case types.ExecutionStatusCompletedWithViolations:
		return mlops.MonitorViolated, true
	case types.ExecutionStatusFailed, types.ExecutionStatusStopped:
		return mlops.MonitorBroken, true
	}
	return mlops.MonitorWaiting, false
}
