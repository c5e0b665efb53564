package aws_test

import (
	"fmt"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// createQuality makes a data quality job definition for the endpoint "churn".
func createQuality(t *testing.T, a account, name string) error {
	t.Helper()
	_, err := a.CreateDataQualityJobDefinition(t.Context(), &sagemaker.CreateDataQualityJobDefinitionInput{
		JobDefinitionName: &name, RoleArn: a.role,
		DataQualityAppSpecification: &types.DataQualityAppSpecification{ImageUri: sdk.String("156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer")},
		DataQualityJobInput: &types.DataQualityJobInput{EndpointInput: &types.EndpointInput{
			EndpointName: sdk.String("churn"), LocalPath: sdk.String("/opt/ml/processing/input"),
		}},
		DataQualityJobOutputConfig: &types.MonitoringOutputConfig{MonitoringOutputs: []types.MonitoringOutput{{S3Output: &types.MonitoringS3Output{
			S3Uri: sdk.String("s3://data/reports"), LocalPath: sdk.String("/opt/ml/processing/output"),
		}}}},
		JobResources: &types.MonitoringResources{ClusterConfig: &types.MonitoringClusterConfig{
			InstanceCount: sdk.Int32(1), InstanceType: types.ProcessingInstanceTypeMlM5Large, VolumeSizeInGB: sdk.Int32(20),
		}},
	})
	return err
}

// quality is a schedule of a data quality job definition.
func quality(definition, expression string) *types.MonitoringScheduleConfig {
	return &types.MonitoringScheduleConfig{
		MonitoringJobDefinitionName: &definition, MonitoringType: types.MonitoringTypeDataQuality,
		ScheduleConfig: &types.ScheduleConfig{ScheduleExpression: &expression},
	}
}

func TestMonitoringLife(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{Looks: 1})
	serveChurn(t, a)
	ctx, name := t.Context(), sdk.String("churn-drift")
	if err := createQuality(t, a, "churn-1"); err != nil {
		t.Fatal(err)
	}
	wantFault(t, createQuality(t, a, "churn-1"), "ResourceInUse", "already exists")
	create := &sagemaker.CreateMonitoringScheduleInput{MonitoringScheduleName: name, MonitoringScheduleConfig: quality("churn-1", "cron(0 * ? * * *)")}
	must[*sagemaker.CreateMonitoringScheduleOutput](t)(a.CreateMonitoringSchedule(ctx, create))
	_, err := a.CreateMonitoringSchedule(ctx, create)
	wantFault(t, err, "ResourceInUse", "already exists")
	_, err = a.DeleteMonitoringSchedule(ctx, &sagemaker.DeleteMonitoringScheduleInput{MonitoringScheduleName: name})
	wantFault(t, err, "ValidationException", "Monitoring schedule in status Pending")

	describe := func() *sagemaker.DescribeMonitoringScheduleOutput {
		return must[*sagemaker.DescribeMonitoringScheduleOutput](t)(a.DescribeMonitoringSchedule(ctx, &sagemaker.DescribeMonitoringScheduleInput{MonitoringScheduleName: name}))
	}
	if first, then := describe().MonitoringScheduleStatus, describe(); first != types.ScheduleStatusPending || then.MonitoringScheduleStatus != types.ScheduleStatusScheduled || *then.EndpointName != "churn" {
		t.Errorf("got %s, then %s of %v", first, then.MonitoringScheduleStatus, then.EndpointName)
	}
	_, err = a.DeleteEndpoint(ctx, &sagemaker.DeleteEndpointInput{EndpointName: sdk.String("churn")})
	wantFault(t, err, "ValidationException", "monitoring schedules")

	must[*sagemaker.DeleteMonitoringScheduleOutput](t)(a.DeleteMonitoringSchedule(ctx, &sagemaker.DeleteMonitoringScheduleInput{MonitoringScheduleName: name}))
	drop := func() error {
		_, err := a.DeleteDataQualityJobDefinition(ctx, &sagemaker.DeleteDataQualityJobDefinitionInput{JobDefinitionName: sdk.String("churn-1")})
		return err
	}
	wantFault(t, drop(), "ResourceInUse", "used by")
	describe()
	_, err = a.DescribeMonitoringSchedule(ctx, &sagemaker.DescribeMonitoringScheduleInput{MonitoringScheduleName: name})
	wantFault(t, err, "ResourceNotFound", "does not exist")
	if err := drop(); err != nil {
		t.Error(err)
	}
}

func TestMonitoringRefusals(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	serveChurn(t, a)
	if err := createQuality(t, a, "churn-1"); err != nil {
		t.Fatal(err)
	}
	both := quality("churn-1", "cron(0 * ? * * *)")
	both.MonitoringType = ""
	tests := []struct {
		name, code, words string
		config            *types.MonitoringScheduleConfig
	}{
		{"every quarter of an hour", "ValidationException", "Invalid schedule expression", quality("churn-1", "cron(*/15 * ? * * *)")},
		{"weekly", "ValidationException", "Invalid schedule expression", quality("churn-1", "cron(0 3 ? * MON *)")},
		{"a rate", "ValidationException", "Invalid schedule expression", quality("churn-1", "rate(1 hour)")},
		{"now, without a window", "ValidationException", "DataAnalysisStartTime", quality("churn-1", "NOW")},
		{"unknown definition", "ResourceNotFound", "does not exist", quality("never", "cron(0 * ? * * *)")},
		{"nothing to do", "ValidationException", "Exactly one", &types.MonitoringScheduleConfig{}},
		{"no type", "ValidationException", "MonitoringType", both},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := a.CreateMonitoringSchedule(t.Context(), &sagemaker.CreateMonitoringScheduleInput{MonitoringScheduleName: sdk.String("refused"), MonitoringScheduleConfig: tt.config})
			wantFault(t, err, tt.code, tt.words)
		})
	}
	for i, expression := range []string{"cron(0 * ? * * *)", "cron(0 12 ? * * *)", "cron(0 17/12 ? * * *)", "cron(0 0/2 ? * * *)"} {
		must[*sagemaker.CreateMonitoringScheduleOutput](t)(a.CreateMonitoringSchedule(t.Context(), &sagemaker.CreateMonitoringScheduleInput{
			MonitoringScheduleName: sdk.String(fmt.Sprint("s-", i)), MonitoringScheduleConfig: quality("churn-1", expression),
		}))
	}
}

func TestMonitoringExecutions(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	serveChurn(t, a)
	if err := createQuality(t, a, "churn-1"); err != nil {
		t.Fatal(err)
	}
	must[*sagemaker.CreateMonitoringScheduleOutput](t)(a.CreateMonitoringSchedule(t.Context(), &sagemaker.CreateMonitoringScheduleInput{
		MonitoringScheduleName: sdk.String("churn-drift"), MonitoringScheduleConfig: quality("churn-1", "cron(0 * ? * * *)"),
	}))
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i, status := range []string{"Completed", "CompletedWithViolations"} {
		files := map[string][]byte{"constraint_violations.json": []byte(`{"violations": []}`)}
		if err := a.server.World.Monitored(aws.Monitoring{Schedule: "churn-drift", Status: status, At: at.Add(time.Duration(i) * time.Hour), Files: files}); err != nil {
			t.Fatal(err)
		}
	}
	if got := a.read(t, "reports/churn/churn-drift/2026/03/01/13/constraint_violations.json"); got == "" {
		t.Error("the report is empty")
	}
	got := must[*sagemaker.ListMonitoringExecutionsOutput](t)(a.ListMonitoringExecutions(t.Context(), &sagemaker.ListMonitoringExecutionsInput{MonitoringScheduleName: sdk.String("churn-drift")}))
	if len(got.MonitoringExecutionSummaries) != 2 || got.MonitoringExecutionSummaries[0].MonitoringExecutionStatus != types.ExecutionStatusCompletedWithViolations {
		t.Errorf("got %v", got.MonitoringExecutionSummaries)
	}
	last := must[*sagemaker.DescribeMonitoringScheduleOutput](t)(a.DescribeMonitoringSchedule(t.Context(), &sagemaker.DescribeMonitoringScheduleInput{MonitoringScheduleName: sdk.String("churn-drift")}))
	if last.LastMonitoringExecutionSummary == nil || !last.LastMonitoringExecutionSummary.ScheduledTime.Equal(at.Add(time.Hour)) {
		t.Errorf("got %+v", last.LastMonitoringExecutionSummary)
	}
}
