package sagemaker

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// lookAtData adds to a look what the baseline's job and the schedule say.
func (k monitorKind) lookAtData(ctx context.Context, s monitorScene, baseline string, seen *mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus]) error {
	m := dataMonitorOf(s, seen.Spec, baseline)
	job, err := s.c.sagemaker.DescribeProcessingJob(ctx, &sagemaker.DescribeProcessingJobInput{ProcessingJobName: &m.job})
	switch {
	case k.is(err, mlops.NotFound):
		seen.Phase, seen.Reason, seen.Due = mlops.PhasePending, "the baseline is not described yet", true
		return nil
	case err != nil:
		return err
	case job.ProcessingJobStatus == types.ProcessingJobStatusFailed, job.ProcessingJobStatus == types.ProcessingJobStatusStopped:
		seen.Phase = mlops.PhaseFailed
		seen.Reason = "the job that describes the baseline failed: " + aws.ToString(job.FailureReason) + aws.ToString(job.ExitMessage)
		return nil
	case job.ProcessingJobStatus != types.ProcessingJobStatusCompleted:
		seen.Phase, seen.Reason = mlops.PhasePending, "the baseline is being described by the job "+m.job
		return nil
	}
	seen.Native["baseline_job_arn"] = aws.ToString(job.ProcessingJobArn)
	return k.lookAtSchedule(ctx, s, m, seen)
}

func (k monitorKind) lookAtSchedule(ctx context.Context, s monitorScene, m dataMonitor, seen *mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus]) error {
	out, err := s.c.sagemaker.DescribeMonitoringSchedule(ctx, &sagemaker.DescribeMonitoringScheduleInput{MonitoringScheduleName: &s.name})
	if k.is(err, mlops.NotFound) {
		seen.Phase, seen.Reason, seen.Due = mlops.PhasePending, "the schedule follows", true
		return nil
	}
	if err != nil {
		return err
	}
	seen.Native["schedule_arn"] = aws.ToString(out.MonitoringScheduleArn)
	wanted := scheduleConfig(m, seen.Spec)
	inForce := out.MonitoringScheduleConfig
	differs := inForce == nil || aws.ToString(inForce.MonitoringJobDefinitionName) != m.definition ||
		inForce.ScheduleConfig == nil || aws.ToString(inForce.ScheduleConfig.ScheduleExpression) != *wanted.ScheduleConfig.ScheduleExpression
	switch {
	case out.MonitoringScheduleStatus == types.ScheduleStatusFailed:
		seen.Phase, seen.Reason = mlops.PhaseFailed, aws.ToString(out.FailureReason)
	case out.MonitoringScheduleStatus == types.ScheduleStatusPending:
		seen.Phase, seen.Reason = mlops.PhasePending, "the schedule is being put in force"
	case differs, (out.MonitoringScheduleStatus == types.ScheduleStatusStopped) != seen.Spec.Schedule.Disabled:
		seen.Phase, seen.Reason, seen.Due = mlops.PhasePending, "the schedule follows the change", true
	}
	return k.addFindings(ctx, s, seen)
}

// addFindings reads what the last run of the schedule found.
func (k monitorKind) addFindings(ctx context.Context, s monitorScene, seen *mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus]) error {
	out, err := s.c.sagemaker.ListMonitoringExecutions(ctx, &sagemaker.ListMonitoringExecutionsInput{
		MonitoringScheduleName: &s.name, MaxResults: aws.Int32(1),
		SortBy: types.MonitoringExecutionSortKeyScheduledTime, SortOrder: types.SortOrderDescending,
	})
	if err != nil || len(out.MonitoringExecutionSummaries) == 0 {
		return err
	}
	last := out.MonitoringExecutionSummaries[0]
	state, ended := executionState(last.MonitoringExecutionStatus)
	if !ended {
		return nil
	}
	at := aws.ToTime(last.LastModifiedTime)
	check := mlops.CheckReport{State: state, Reason: aws.ToString(last.FailureReason), Features: []mlops.FeatureReport{}}
	st := &seen.Status
	if st.LastReport == nil {
		st.LastReport = &mlops.MonitorReport{Monitor: s.id, At: at, Checks: map[string]mlops.CheckReport{}}
	}
	st.LastReport.Until = aws.ToTime(last.ScheduledTime)
	st.LastReport.From = st.LastReport.Until.Add(-seen.Spec.Window.Or(mlops.DefaultWindow))
	for _, name := range seen.Spec.Checks() {
		if name != "health" {
			st.LastReport.Checks[name] = check
		}
	}
	if worse(state, st.State) {
		st.State, st.Since, st.LastReport.State, st.LastReport.Reason = state, at, state, check.Reason
	}
	if state == mlops.MonitorViolated {
		st.LastViolated = at
	}
	return nil
}

// executionState is how a run of the schedule ended.
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

// worse orders the states of a monitor by how much they matter.
func worse(a, b mlops.MonitorState) bool {
	rank := map[mlops.MonitorState]int{mlops.MonitorWaiting: 0, mlops.MonitorNoData: 1, mlops.MonitorOK: 2, mlops.MonitorBroken: 3, mlops.MonitorViolated: 4}
	return rank[a] > rank[b]
}

// putDataSchedule makes the job definition from the described baseline, and the
// schedule that runs it.
func (k monitorKind) putDataSchedule(ctx context.Context, s monitorScene, spec mlops.MonitorSpec, baseline string) error {
	m := dataMonitorOf(s, spec, baseline)
	if err := k.startBaseline(ctx, s, spec, baseline); err != nil {
		return err
	}
	job, err := s.c.sagemaker.DescribeProcessingJob(ctx, &sagemaker.DescribeProcessingJobInput{ProcessingJobName: &m.job})
	if err != nil || job.ProcessingJobStatus != types.ProcessingJobStatusCompleted {
		return err
	}
	if err := k.putDefinition(ctx, s, m, spec); err != nil {
		return err
	}
	if err := k.putSchedule(ctx, s, m, spec); err != nil {
		return err
	}
	return k.dropDefinitions(ctx, s, m.definition)
}

// putDefinition makes the job definition, which never changes.
func (k monitorKind) putDefinition(ctx context.Context, s monitorScene, m dataMonitor, spec mlops.MonitorSpec) error {
	_, err := s.c.sagemaker.DescribeDataQualityJobDefinition(ctx, &sagemaker.DescribeDataQualityJobDefinitionInput{JobDefinitionName: &m.definition})
	if err == nil || !k.is(err, mlops.NotFound) {
		return err
	}
	if err := k.writeMonitorFiles(ctx, s, m, spec); err != nil {
		return err
	}
	image, err := s.c.analyzerImage()
	if err != nil {
		return err
	}
	in := dataDefinition(s, m, spec, image)
	in.Tags = sagemakerTags(withoutRecord(k.tagsFor(s.place.spec, spec.Labels, map[string]string{tagID: string(s.id)})))
	_, err = s.c.sagemaker.CreateDataQualityJobDefinition(ctx, in)
	return err
}

// writeMonitorFiles keeps the constraints with the monitor's limits, and the
// script that reads captured requests.
func (k monitorKind) writeMonitorFiles(ctx context.Context, s monitorScene, m dataMonitor, spec mlops.MonitorSpec) error {
	files, err := k.store(ctx, s.id)
	if err != nil {
		return err
	}
	suggested, err := files.getBytes(ctx, s.place.key(m.folder+"/suggested/constraints.json"), maxConstraints)
	if err != nil {
		return fmt.Errorf("read the constraints that the baseline suggests: %w", err)
	}
	asked, err := monitorConstraints(suggested, spec)
	if err != nil {
		return err
	}
	if err := files.putBytes(ctx, s.place.key(m.folder+"/"+m.definition+"/constraints.json"), asked); err != nil {
		return err
	}
	script, err := preprocessScript(suggested, spec)
	if err != nil {
		return err
	}
	return files.putBytes(ctx, s.place.key(m.folder+"/"+m.definition+"/preprocess.py"), script)
}

// preprocessScript is the script with the names of features, in the order of the
// baseline, and of the prediction.
func preprocessScript(suggested []byte, spec mlops.MonitorSpec) ([]byte, error) {
	var c constraints
	if err := json.Unmarshal(suggested, &c); err != nil {
		return nil, fmt.Errorf("the baseline's constraints cannot be read: %w", err)
	}
	prediction := spec.Baseline.Prediction
	if prediction == "" {
		prediction = mlops.DefaultPredicted
	}
	features := spec.Baseline.Features
	hasPrediction := false
	for _, f := range c.Features {
		hasPrediction = hasPrediction || f.Name == prediction
		if len(spec.Baseline.Features) == 0 && f.Name != prediction && f.Name != spec.Baseline.Label {
			features = append(features, f.Name)
		}
	}
	if !hasPrediction {
		prediction = ""
	}
	return []byte(strings.NewReplacer("@FEATURES@", pythonJSON(features), "@PREDICTION@", pythonJSON(prediction)).Replace(preprocess)), nil
}

// pythonJSON is JSON as it stands in a Python string of three quotes.
func pythonJSON(v any) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(jsonText(v))
}

// dataDefinition is the job that compares captured requests with the baseline.
func dataDefinition(s monitorScene, m dataMonitor, spec mlops.MonitorSpec, image string) *sagemaker.CreateDataQualityJobDefinitionInput {
	file := func(name string) *string { return aws.String(s.place.uri(m.folder + "/" + m.definition + "/" + name)) }
	return &sagemaker.CreateDataQualityJobDefinitionInput{
		JobDefinitionName: &m.definition,
		RoleArn:           &s.place.Role,
		DataQualityAppSpecification: &types.DataQualityAppSpecification{
			ImageUri: &image, RecordPreprocessorSourceUri: file("preprocess.py"),
		},
		DataQualityBaselineConfig: &types.DataQualityBaselineConfig{
			ConstraintsResource: &types.MonitoringConstraintsResource{S3Uri: file("constraints.json")},
			StatisticsResource:  &types.MonitoringStatisticsResource{S3Uri: aws.String(s.place.uri(m.folder + "/suggested/statistics.json"))},
		},
		DataQualityJobInput: &types.DataQualityJobInput{EndpointInput: &types.EndpointInput{
			EndpointName: aws.String(nativeName(spec.Endpoint, maxName)), LocalPath: aws.String(analyzerRoot + "/input/endpoint"),
			S3InputMode: types.ProcessingS3InputModeFile, S3DataDistributionType: types.ProcessingS3DataDistributionTypeFullyreplicated,
		}},
		DataQualityJobOutputConfig: &types.MonitoringOutputConfig{
			KmsKeyId: optional(s.place.Key),
			MonitoringOutputs: []types.MonitoringOutput{{S3Output: &types.MonitoringS3Output{
				S3Uri: aws.String(s.place.uri("monitors/" + spec.Name + "/reports")), LocalPath: aws.String(analyzerRoot + "/output"), S3UploadMode: types.ProcessingS3UploadModeEndOfJob,
			}}},
		},
		JobResources: &types.MonitoringResources{ClusterConfig: &types.MonitoringClusterConfig{
			InstanceCount: aws.Int32(1), InstanceType: types.ProcessingInstanceType(monitorMachine), VolumeSizeInGB: aws.Int32(monitorVolume), VolumeKmsKeyId: optional(s.place.Key),
		}},
		StoppingCondition: &types.MonitoringStoppingCondition{MaxRuntimeInSeconds: aws.Int32(int32(monitorLongestJob.Seconds()))},
		NetworkConfig:     s.place.monitoringNetwork(),
	}
}

// monitoringNetwork is processingNetwork as job definitions take it.
func (p place) monitoringNetwork() *types.MonitoringNetworkConfig {
	n := p.processingNetwork()
	if n == nil {
		return nil
	}
	return &types.MonitoringNetworkConfig{EnableNetworkIsolation: n.EnableNetworkIsolation, VpcConfig: n.VpcConfig}
}

// scheduleConfig says when the job runs. Its spec was checked.
func scheduleConfig(m dataMonitor, spec mlops.MonitorSpec) *types.MonitoringScheduleConfig {
	cron, _ := monitoringCron(spec.Schedule.Cron, spec.Schedule.Timezone)
	return &types.MonitoringScheduleConfig{
		MonitoringJobDefinitionName: &m.definition,
		MonitoringType:              types.MonitoringTypeDataQuality,
		ScheduleConfig:              &types.ScheduleConfig{ScheduleExpression: &cron},
	}
}

// putSchedule makes the schedule or changes it, and starts or stops it.
func (k monitorKind) putSchedule(ctx context.Context, s monitorScene, m dataMonitor, spec mlops.MonitorSpec) error {
	out, err := s.c.sagemaker.DescribeMonitoringSchedule(ctx, &sagemaker.DescribeMonitoringScheduleInput{MonitoringScheduleName: &s.name})
	want := scheduleConfig(m, spec)
	switch {
	case k.is(err, mlops.NotFound):
		_, err = s.c.sagemaker.CreateMonitoringSchedule(ctx, &sagemaker.CreateMonitoringScheduleInput{
			MonitoringScheduleName: &s.name, MonitoringScheduleConfig: want,
			Tags: sagemakerTags(withoutRecord(k.tagsFor(s.place.spec, spec.Labels, map[string]string{tagID: string(s.id)}))),
		})
		return err
	case err != nil:
		return err
	case aws.ToString(out.MonitoringScheduleConfig.MonitoringJobDefinitionName) != m.definition,
		aws.ToString(out.MonitoringScheduleConfig.ScheduleConfig.ScheduleExpression) != *want.ScheduleConfig.ScheduleExpression:
		_, err = s.c.sagemaker.UpdateMonitoringSchedule(ctx, &sagemaker.UpdateMonitoringScheduleInput{MonitoringScheduleName: &s.name, MonitoringScheduleConfig: want})
		return err
	case spec.Schedule.Disabled && out.MonitoringScheduleStatus == types.ScheduleStatusScheduled:
		_, err = s.c.sagemaker.StopMonitoringSchedule(ctx, &sagemaker.StopMonitoringScheduleInput{MonitoringScheduleName: &s.name})
	case !spec.Schedule.Disabled && out.MonitoringScheduleStatus == types.ScheduleStatusStopped:
		_, err = s.c.sagemaker.StartMonitoringSchedule(ctx, &sagemaker.StartMonitoringScheduleInput{MonitoringScheduleName: &s.name})
	}
	return err
}

// dropDataSchedule removes the schedule and its definitions; what is gone is
// success.
func (k monitorKind) dropDataSchedule(ctx context.Context, s monitorScene) error {
	out, err := s.c.sagemaker.DescribeMonitoringSchedule(ctx, &sagemaker.DescribeMonitoringScheduleInput{MonitoringScheduleName: &s.name})
	switch {
	case k.is(err, mlops.NotFound):
		return k.dropDefinitions(ctx, s, "")
	case err != nil:
		return err
	case out.MonitoringScheduleStatus == types.ScheduleStatusPending: // it takes no change yet
		return mlops.NewError(mlops.Conflict, fmt.Errorf("the schedule %s is being changed", s.name))
	}
	_, err = s.c.sagemaker.DeleteMonitoringSchedule(ctx, &sagemaker.DeleteMonitoringScheduleInput{MonitoringScheduleName: &s.name})
	if err != nil && !k.is(err, mlops.NotFound) {
		return err
	}
	return k.dropDefinitions(ctx, s, "")
}

// dropDefinitions removes a monitor's job definitions but one.
func (k monitorKind) dropDefinitions(ctx context.Context, s monitorScene, but string) error {
	pages := sagemaker.NewListDataQualityJobDefinitionsPaginator(s.c.sagemaker, &sagemaker.ListDataQualityJobDefinitionsInput{
		NameContains: aws.String(nativeName(s.id, maxName-1-len(shortHash("")))),
	})
	var gone []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, d := range page.JobDefinitionSummaries {
			name := aws.ToString(d.MonitoringJobDefinitionName)
			rest, ours := strings.CutPrefix(name, nativeName(s.id, maxName-1-len(shortHash("")))+"-")
			if ours && len(rest) == len(shortHash("")) && name != but {
				gone = append(gone, name)
			}
		}
	}
	for _, name := range gone {
		_, err := s.c.sagemaker.DeleteDataQualityJobDefinition(ctx, &sagemaker.DeleteDataQualityJobDefinitionInput{JobDefinitionName: &name})
		if err != nil && !k.is(err, mlops.NotFound) && !k.is(err, mlops.Conflict) { // one that is still used goes with the next change
			return err
		}
	}
	return nil
}
