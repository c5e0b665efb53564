package aws_test

import (
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// reportsTo is where the jobs of these tests report.
func reportsTo() *types.MonitoringOutputConfig {
	return &types.MonitoringOutputConfig{MonitoringOutputs: []types.MonitoringOutput{{S3Output: &types.MonitoringS3Output{
		S3Uri: sdk.String("s3://data/reports"), LocalPath: sdk.String("/opt/ml/processing/output"),
	}}}}
}

func judgeMachines() *types.MonitoringResources {
	return &types.MonitoringResources{ClusterConfig: &types.MonitoringClusterConfig{
		InstanceCount: sdk.Int32(1), InstanceType: types.ProcessingInstanceTypeMlM5Large, VolumeSizeInGB: sdk.Int32(20),
	}}
}

func truthAt() *types.MonitoringGroundTruthS3Input {
	return &types.MonitoringGroundTruthS3Input{S3Uri: sdk.String("s3://data/truth")}
}

func watchedChurn(change func(*types.EndpointInput)) *types.EndpointInput {
	in := &types.EndpointInput{EndpointName: sdk.String("churn"), LocalPath: sdk.String("/opt/ml/processing/input"), InferenceAttribute: sdk.String("predictions[*]")}
	change(in)
	return in
}

// createModelQuality makes a definition that holds the endpoint "churn" to the
// constraints in the bucket.
func createModelQuality(t *testing.T, a account, name string, change func(*types.EndpointInput)) error {
	t.Helper()
	_, err := a.CreateModelQualityJobDefinition(t.Context(), &sagemaker.CreateModelQualityJobDefinitionInput{
		JobDefinitionName: &name, RoleArn: a.role,
		ModelQualityAppSpecification: &types.ModelQualityAppSpecification{
			ImageUri: sdk.String("156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"), ProblemType: types.MonitoringProblemTypeBinaryClassification,
		},
		ModelQualityBaselineConfig:  &types.ModelQualityBaselineConfig{ConstraintsResource: &types.MonitoringConstraintsResource{S3Uri: sdk.String("s3://data/constraints.json")}},
		ModelQualityJobInput:        &types.ModelQualityJobInput{EndpointInput: watchedChurn(change), GroundTruthS3Input: truthAt()},
		ModelQualityJobOutputConfig: reportsTo(), JobResources: judgeMachines(),
	})
	return err
}

func createBias(t *testing.T, a account, name string) {
	t.Helper()
	must[*sagemaker.CreateModelBiasJobDefinitionOutput](t)(a.CreateModelBiasJobDefinition(t.Context(), &sagemaker.CreateModelBiasJobDefinitionInput{
		JobDefinitionName: &name, RoleArn: a.role,
		ModelBiasAppSpecification: &types.ModelBiasAppSpecification{
			ImageUri: sdk.String("205585389593.dkr.ecr.us-east-1.amazonaws.com/sagemaker-clarify-processing:1.0"), ConfigUri: sdk.String("s3://data/analysis.json"),
		},
		ModelBiasBaselineConfig: &types.ModelBiasBaselineConfig{ConstraintsResource: &types.MonitoringConstraintsResource{S3Uri: sdk.String("s3://data/constraints.json")}},
		ModelBiasJobInput: &types.ModelBiasJobInput{
			EndpointInput: watchedChurn(func(in *types.EndpointInput) { in.FeaturesAttribute = sdk.String("instances[*]") }), GroundTruthS3Input: truthAt(),
		},
		ModelBiasJobOutputConfig: reportsTo(), JobResources: judgeMachines(),
	}))
}

// lastRun plays an execution and returns it.
func lastRun(t *testing.T, a account, schedule string, measured map[string]float64) types.MonitoringExecutionSummary {
	t.Helper()
	if err := a.server.World.Monitored(aws.Monitoring{Schedule: schedule, At: time.Now(), Measured: measured}); err != nil {
		t.Fatal(err)
	}
	out := must[*sagemaker.ListMonitoringExecutionsOutput](t)(a.ListMonitoringExecutions(t.Context(), &sagemaker.ListMonitoringExecutionsInput{MonitoringScheduleName: &schedule}))
	return out.MonitoringExecutionSummaries[0]
}

// scheduleOf makes a schedule of a definition, named like it.
func scheduleOf(t *testing.T, a account, definition string, kind types.MonitoringType) {
	t.Helper()
	config := quality(definition, "cron(0 * ? * * *)")
	config.MonitoringType = kind
	must[*sagemaker.CreateMonitoringScheduleOutput](t)(a.CreateMonitoringSchedule(t.Context(), &sagemaker.CreateMonitoringScheduleInput{
		MonitoringScheduleName: &definition, MonitoringScheduleConfig: config,
	}))
}

func TestModelQualityIsJudged(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	serveChurn(t, a)
	if err := createModelQuality(t, a, "churn-q", func(*types.EndpointInput) {}); err != nil {
		t.Fatal(err)
	}
	scheduleOf(t, a, "churn-q", types.MonitoringTypeModelQuality)
	run := lastRun(t, a, "churn-q", map[string]float64{"accuracy": 0.8})
	if run.MonitoringExecutionStatus != types.ExecutionStatusFailed {
		t.Errorf("without truth it is %s, want it failed", run.MonitoringExecutionStatus)
	}
	a.write(t, "truth/2026/01/01/00/1.jsonl", "{}")
	a.write(t, "constraints.json", `{"version": 0.0, "regression_constraints": {}}`)
	if run = lastRun(t, a, "churn-q", map[string]float64{"accuracy": 0.8}); run.MonitoringExecutionStatus != types.ExecutionStatusFailed {
		t.Errorf("with constraints of another problem it is %s, want it failed", run.MonitoringExecutionStatus)
	}
	a.write(t, "constraints.json", `{"version": 0.0, "binary_classification_constraints": {"accuracy": {"threshold": 0.9, "comparison_operator": "LessThanThreshold"}}}`)
	for value, want := range map[float64]types.ExecutionStatus{0.8: types.ExecutionStatusCompletedWithViolations, 0.95: types.ExecutionStatusCompleted} {
		if run = lastRun(t, a, "churn-q", map[string]float64{"accuracy": value}); run.MonitoringExecutionStatus != want {
			t.Errorf("accuracy %g: %s, want %s", value, run.MonitoringExecutionStatus, want)
		}
	}
	if run = lastRun(t, a, "churn-q", map[string]float64{"rmse": 1}); run.MonitoringExecutionStatus != types.ExecutionStatusFailed {
		t.Errorf("rmse of a classifier: %s", run.MonitoringExecutionStatus)
	}
	wantMetric(t, a, "aws/sagemaker/Endpoints/model-metrics", "accuracy", map[string]string{"Endpoint": "churn", "MonitoringSchedule": "churn-q"})
}

func TestBiasIsJudged(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	serveChurn(t, a)
	createBias(t, a, "churn-b")
	scheduleOf(t, a, "churn-b", types.MonitoringTypeModelBias)
	a.write(t, "truth/2026/01/01/00/1.jsonl", "{}")
	a.write(t, "constraints.json", `{"version": "1.0", "post_training_bias_metrics": {"label": "Target", "facets": {"Sex": [
	  {"value_or_threshold": "0", "metrics": [{"name": "DPPL", "value": 0.2}, {"name": "DI", "value": 0.8}]}]}}}`)
	a.write(t, "analysis.json", `{"headers": ["Age", "Target"], "label": "label", "label_values_or_threshold": [1], "facet": [{"name_or_index": "Sex", "value_or_threshold": [0]}]}`)
	if run := lastRun(t, a, "churn-b", map[string]float64{"0/DPPL": 0.1}); run.MonitoringExecutionStatus != types.ExecutionStatusFailed {
		t.Errorf("a facet that is no header: %s, want it failed", run.MonitoringExecutionStatus)
	}
	a.write(t, "analysis.json", `{"headers": ["Sex", "Target"], "label": "label", "label_values_or_threshold": [1], "facet": [{"name_or_index": "Sex", "value_or_threshold": [0]}]}`)
	tests := []struct {
		name     string
		measured map[string]float64
		want     types.ExecutionStatus
	}{
		{"nearer to none", map[string]float64{"0/DPPL": 0.1, "0/DI": 0.9}, types.ExecutionStatusCompleted},
		{"further, the other way", map[string]float64{"0/DPPL": -0.3}, types.ExecutionStatusCompletedWithViolations},
		{"a ratio far from one", map[string]float64{"0/DI": 0.5}, types.ExecutionStatusCompletedWithViolations},
		{"a group that is not compared", map[string]float64{"1/DPPL": 0.9}, types.ExecutionStatusCompleted},
	}
	for _, tt := range tests { // one after the other: they share the schedule
		if run := lastRun(t, a, "churn-b", tt.measured); run.MonitoringExecutionStatus != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, run.MonitoringExecutionStatus, tt.want)
		}
	}
	wantMetric(t, a, "aws/sagemaker/Endpoints/bias-metrics", "bias_metric_DPPL", map[string]string{
		"Endpoint": "churn", "MonitoringSchedule": "churn-b", "BiasStage": "Post-Training", "Label": "Target", "LabelValue": "1", "Facet": "Sex", "FacetValue": "0",
	})
}

// wantMetric insists that CloudWatch has a metric with just these dimensions.
func wantMetric(t *testing.T, a account, namespace, metric string, dimensions map[string]string) {
	t.Helper()
	in := &cloudwatch.GetMetricStatisticsInput{
		Namespace: &namespace, MetricName: &metric, StartTime: sdk.Time(time.Now().Add(-time.Hour)), EndTime: sdk.Time(time.Now().Add(time.Hour)),
		Period: sdk.Int32(3600), Statistics: []cwtypes.Statistic{cwtypes.StatisticAverage},
	}
	for name, value := range dimensions {
		in.Dimensions = append(in.Dimensions, cwtypes.Dimension{Name: &name, Value: &value})
	}
	out := must[*cloudwatch.GetMetricStatisticsOutput](t)(cloudwatch.NewFromConfig(a.config).GetMetricStatistics(t.Context(), in))
	if len(out.Datapoints) == 0 {
		t.Errorf("there is no %s of %v", metric, dimensions)
	}
}

func TestOffsetRefusals(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	serveChurn(t, a)
	tests := []struct{ name, start, end, words string }{
		{"no sign", "PT6H", "-PT0H", "Invalid time offset"},
		{"weeks", "-P1W", "-PT0H", "Invalid time offset"},
		{"both, a day and hours", "-P1DT2H", "-PT0H", "Invalid time offset"},
		{"ends before it starts", "-PT1H", "-P1D", "must be before"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := createModelQuality(t, a, "refused", func(in *types.EndpointInput) { in.StartTimeOffset, in.EndTimeOffset = &tt.start, &tt.end })
			wantFault(t, err, "ValidationException", tt.words)
		})
	}
	for i, start := range []string{"-PT6H", "-P8D", "-P7H", "-PT90M"} {
		err := createModelQuality(t, a, "taken-"+string(rune('a'+i)), func(in *types.EndpointInput) {
			in.StartTimeOffset, in.EndTimeOffset = &start, sdk.String("-PT0H")
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// createExplainability makes a definition that explains the model "churn-1" by what
// the endpoint "churn" is asked.
func createExplainability(t *testing.T, a account, name string) {
	t.Helper()
	must[*sagemaker.CreateModelExplainabilityJobDefinitionOutput](t)(a.CreateModelExplainabilityJobDefinition(t.Context(), &sagemaker.CreateModelExplainabilityJobDefinitionInput{
		JobDefinitionName: &name, RoleArn: a.role,
		ModelExplainabilityAppSpecification: &types.ModelExplainabilityAppSpecification{
			ImageUri: sdk.String("205585389593.dkr.ecr.us-east-1.amazonaws.com/sagemaker-clarify-processing:1.0"), ConfigUri: sdk.String("s3://data/explain.json"),
		},
		ModelExplainabilityBaselineConfig: &types.ModelExplainabilityBaselineConfig{ConstraintsResource: &types.MonitoringConstraintsResource{S3Uri: sdk.String("s3://data/shap.json")}},
		ModelExplainabilityJobInput: &types.ModelExplainabilityJobInput{
			EndpointInput: watchedChurn(func(in *types.EndpointInput) { in.FeaturesAttribute = sdk.String("instances[*]") }),
		},
		ModelExplainabilityJobOutputConfig: reportsTo(), JobResources: judgeMachines(),
	}))
}

// explainConfig is a configuration for JSON, of a model.
func explainConfig(model string) string {
	return `{"headers": ["SAT", "GPA", "Rank"], "methods": {"shap": {"num_samples": 100, "agg_method": "mean_abs"}}, "predictor": {"model_name": "` + model + `",
	  "instance_type": "ml.m5.xlarge", "initial_instance_count": 1, "content_type": "application/json", "content_template": "{\"instances\":$records}", "record_template": "$features"}}`
}

// TestExplanationsAreJudged judges the example of the developer guide, in which the
// ranking has reversed, and one in which it has not.
func TestExplanationsAreJudged(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	serveChurn(t, a)
	models := must[*sagemaker.ListModelsOutput](t)(a.ListModels(t.Context(), &sagemaker.ListModelsInput{}))
	model := *models.Models[0].ModelName
	createExplainability(t, a, "churn-e")
	scheduleOf(t, a, "churn-e", types.MonitoringTypeModelExplainability)
	a.write(t, "shap.json", `{"version": "1.0", "explanations": {"kernel_shap": {"label0": {"global_shap_values": {"SAT": 0.7, "GPA": 0.5, "Rank": 0.05}, "expected_value": 0.4}}}}`)
	reversed := map[string]float64{"SAT": 0.1, "GPA": 0.2, "Rank": 0.7}
	tests := []struct {
		name, config string
		measured     map[string]float64
		want         types.ExecutionStatus
	}{
		{"the same order", explainConfig(model), map[string]float64{"SAT": 0.6, "GPA": 0.3, "Rank": 0.1}, types.ExecutionStatusCompleted},
		{"reversed", explainConfig(model), reversed, types.ExecutionStatusCompletedWithViolations},
		{"a model that is gone", explainConfig("gone"), reversed, types.ExecutionStatusFailed},
		{"a feature of no header", explainConfig(model), map[string]float64{"Age": 1}, types.ExecutionStatusFailed},
		{"no method", `{"headers": ["SAT"], "predictor": {}}`, reversed, types.ExecutionStatusFailed},
	}
	for _, tt := range tests { // one after the other: they share the schedule
		a.write(t, "explain.json", tt.config)
		if run := lastRun(t, a, "churn-e", tt.measured); run.MonitoringExecutionStatus != tt.want {
			t.Errorf("%s: %s because %q, want %s", tt.name, run.MonitoringExecutionStatus, sdk.ToString(run.FailureReason), tt.want)
		}
	}
	wantMetric(t, a, "aws/sagemaker/Endpoints/explainability-metrics", "feature_SAT", map[string]string{
		"Endpoint": "churn", "MonitoringSchedule": "churn-e", "ExplainabilityMethod": "KernelShap", "Label": "label0", "ValueType": "GlobalShapValues",
	})
}

// TestAnalyzedSpans proves which spans a schedule may look at.
func TestAnalyzedSpans(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	serveChurn(t, a)
	if err := createQuality(t, a, "churn-1"); err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct{ name, start, end, words string }{
		{"five hours", "-PT5H", "-PT0H", ""},
		{"a day", "-P1D", "-PT0H", ""},
		{"more than a day", "-PT25H", "-PT0H", "at most 24 hours"},
		{"backwards", "-PT1H", "-PT2H", "before"},
		{"no duration", "5H", "-PT0H", "Invalid data analysis time"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := quality("churn-1", "cron(0 * ? * * *)")
			config.ScheduleConfig.DataAnalysisStartTime, config.ScheduleConfig.DataAnalysisEndTime = &tt.start, &tt.end
			_, err := a.CreateMonitoringSchedule(t.Context(), &sagemaker.CreateMonitoringScheduleInput{
				MonitoringScheduleName: sdk.String("churn-" + string(rune('a'+i))), MonitoringScheduleConfig: config,
			})
			if tt.words == "" && err != nil {
				t.Error(err)
			} else if tt.words != "" {
				wantFault(t, err, "ValidationException", tt.words)
			}
		})
	}
}
