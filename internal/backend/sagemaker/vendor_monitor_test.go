package sagemaker

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// scheduleSample is monitoring_schedule/my-monitoring-schedule.yaml of
// aws-controllers-k8s/sagemaker-controller.
func scheduleSample() []vendorFact {
	return []vendorFact{
		{member: "MonitoringScheduleName", theirs: "my-monitoring-schedule", ours: `vendor--vendor`, why: "names begin with the environment's"},
		{member: "MonitoringScheduleConfig.MonitoringType", theirs: "<YOUR MONITORING_TYPE>", ours: "DataQuality"},
		{member: "MonitoringScheduleConfig.MonitoringJobDefinitionName", theirs: "<YOUR JOB NAME>", ours: ownName},
		{member: "MonitoringScheduleConfig.ScheduleConfig.ScheduleExpression", theirs: "cron(0 * ? * * *)"},
	}
}

// dataQualitySample is job_definitions/data_quality/my-data-quality-job-definition.yaml.
func dataQualitySample() []vendorFact {
	const report = "DataQualityJobOutputConfig.MonitoringOutputs[0].S3Output."
	const input = "DataQualityJobInput.EndpointInput."
	return []vendorFact{
		{member: "JobDefinitionName", theirs: "<YOUR JOB NAME>", ours: ownName},
		{member: "JobResources.ClusterConfig.InstanceCount", theirs: "1"},
		{member: "JobResources.ClusterConfig.InstanceType", theirs: "ml.m5.large", ours: "ml.m5.xlarge", why: "it is what AWS's SDK takes for monitoring by default"},
		{member: "JobResources.ClusterConfig.VolumeSizeInGB", theirs: "20"},
		{member: "DataQualityAppSpecification.ImageUri", theirs: "159807026194.dkr.ecr.us-west-2.amazonaws.com/sagemaker-model-monitor-analyzer"},
		{
			member: "DataQualityAppSpecification.PostAnalyticsProcessorSourceUri", theirs: "<YOUR BUCKET>/path", ours: absent,
			why: "alarms on the metrics act on what is found, and no script",
		},
		{member: "DataQualityBaselineConfig.ConstraintsResource.S3Uri", theirs: "<YOUR BUCKET/PATH>", ours: `s3://mlops-vendor-\d+-us-west-2/.+/constraints\.json`},
		{member: "DataQualityBaselineConfig.StatisticsResource.S3Uri", theirs: "<YOUR BUCKET/PATH>", ours: `s3://mlops-vendor-\d+-us-west-2/.+/statistics\.json`},
		{member: input + "EndpointName", theirs: "<YOUR ENDPOINT NAME>", ours: `vendor--vendor`},
		{member: input + "LocalPath", theirs: "/opt/ml/processing/input/endpoint"},
		{member: input + "S3InputMode", theirs: "File"},
		{member: input + "S3DataDistributionType", theirs: "FullyReplicated"},
		{member: report + "LocalPath", theirs: "/opt/ml/processing/output"},
		{member: report + "S3Uri", theirs: "<YOUR BUCKET>/sagemaker/data_quality_job_definition/reports", ours: `s3://mlops-vendor-\d+-us-west-2/monitors/vendor/reports/data`},
		{member: report + "S3UploadMode", theirs: "Continuous", ours: "EndOfJob", why: "a report is read when it is whole"},
		{member: "StoppingCondition.MaxRuntimeInSeconds", theirs: "1800"},
		{member: "RoleArn", theirs: "<YOUR SAGEMAKER ROLE ARN>", ours: `arn:aws:iam::\d+:role/mlops/.+`},
	}
}

func TestVendorMonitor(t *testing.T) {
	t.Parallel()
	r := newVendor(t, vendorRegion)
	_, _, native := r.served()
	table := filepath.Join(t.TempDir(), "baseline.csv")
	r.must(os.WriteFile(table, []byte("age,colour,prediction\n31,red,1\n42,blue,0\n"), 0o600))
	monitor := mlops.MonitorSpec{
		Endpoint: r.environment.Child(mlops.NounModelEndpoint, "vendor"), Name: "vendor",
		Schedule: mlops.Schedule{Cron: "0 * * * *"}, Window: mlops.Duration(time.Hour),
		Baseline: &mlops.Baseline{URI: table}, DataDrift: &mlops.DriftCheck{Statistic: "ks"},
	}
	made(t, r.Monitors(), monitor)
	c, err := r.in(t.Context(), r.environment)
	r.must(err)
	endpoint := native["endpoint_name"]
	all, err := c.sagemaker.ListMonitoringSchedules(t.Context(), &sagemaker.ListMonitoringSchedulesInput{EndpointName: &endpoint})
	r.must(err)
	if len(all.MonitoringScheduleSummaries) != 1 {
		t.Fatalf("%d schedules, want 1", len(all.MonitoringScheduleSummaries))
	}
	schedule, err := c.sagemaker.DescribeMonitoringSchedule(t.Context(), &sagemaker.DescribeMonitoringScheduleInput{
		MonitoringScheduleName: all.MonitoringScheduleSummaries[0].MonitoringScheduleName,
	})
	r.must(err)
	wantFacts(t, schedule, scheduleSample())
	definition, err := c.sagemaker.DescribeDataQualityJobDefinition(t.Context(), &sagemaker.DescribeDataQualityJobDefinitionInput{
		JobDefinitionName: schedule.MonitoringScheduleConfig.MonitoringJobDefinitionName,
	})
	r.must(err)
	wantFacts(t, definition, dataQualitySample())
}
