package sagemaker

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

//go:embed predictions.py
var predictions string

// qualityNamespace is where Model Monitor puts the metrics of models. Source: the
// developer guide's "Model quality metrics and Amazon CloudWatch monitoring".
const qualityNamespace = "aws/sagemaker/Endpoints/model-metrics"

// inferred is the column of predictions.py, as Model Monitor is told of it.
const inferred = "prediction"

// problemType is what a model is judged as. Precision, recall and f1 are those of
// one label, which only a binary problem has; accuracy is the same of any number of
// labels.
func problemType(q *mlops.ModelQualityCheck) types.MonitoringProblemType {
	if q.Task == "regression" {
		return types.MonitoringProblemTypeRegression
	}
	for _, m := range []string{"precision", "recall", "f1"} {
		if _, ok := q.Min[m]; ok {
			return types.MonitoringProblemTypeBinaryClassification
		}
	}
	return types.MonitoringProblemTypeMulticlassClassification
}

// qualityLimit is what a metric may be at most, or at least.
type qualityLimit struct {
	Threshold float64 `json:"threshold"`
	Violated  string  `json:"comparison_operator"`
}

// qualityLimits are the limits of a check by metric: metrics are called the same
// here and there.
func qualityLimits(q *mlops.ModelQualityCheck) map[string]qualityLimit {
	out := map[string]qualityLimit{}
	for metric, least := range q.Min {
		out[metric] = qualityLimit{least, string(cwtypes.ComparisonOperatorLessThanThreshold)}
	}
	for metric, most := range q.Max {
		out[metric] = qualityLimit{most, string(cwtypes.ComparisonOperatorGreaterThanThreshold)}
	}
	return out
}

// qualityConstraints is the file that Model Monitor holds a model to, in the form in
// which its baseline jobs suggest one.
func qualityConstraints(q *mlops.ModelQualityCheck) []byte {
	section := map[types.MonitoringProblemType]string{
		types.MonitoringProblemTypeRegression:               "regression_constraints",
		types.MonitoringProblemTypeBinaryClassification:     "binary_classification_constraints",
		types.MonitoringProblemTypeMulticlassClassification: "multiclass_classification_constraints",
	}
	return []byte(jsonText(map[string]any{"version": 0.0, section[problemType(q)]: qualityLimits(q)}))
}

func (p monitorPlan) qualityParts() any { return []any{p.spec.ModelQuality, predictions} }

// defineQuality makes the job that holds predictions against the truth.
func (k monitorKind) defineQuality(ctx context.Context, p monitorPlan, j monitorJob) error {
	image, err := p.c.analyzerImage()
	if err != nil {
		return err
	}
	files := &store{k.backend, p.c.s3, p.place}
	for name, content := range map[string][]byte{"constraints.json": qualityConstraints(p.spec.ModelQuality), "predictions.py": []byte(predictions)} {
		if err := files.putBytes(ctx, p.place.key(j.folder+name), content); err != nil {
			return err
		}
	}
	return sendQuality(ctx, p.c.sagemaker, p, j, image, k.definitionTags(p))
}

// sendQuality asks for the definition, with what overrides add to it.
func sendQuality(ctx context.Context, client *sagemaker.Client, p monitorPlan, j monitorJob, image string, tags []types.Tag) error {
	in := p.qualityDefinition(j, image)
	in.Tags = tags
	if err := overrideJob(in, j, p.spec); err != nil {
		return err
	}
	_, err := client.CreateModelQualityJobDefinition(ctx, in)
	return err
}

func (p monitorPlan) qualityDefinition(j monitorJob, image string) *sagemaker.CreateModelQualityJobDefinitionInput {
	input := p.endpointInput()
	input.InferenceAttribute = aws.String(inferred)
	input.StartTimeOffset, input.EndTimeOffset = p.offsets()
	return &sagemaker.CreateModelQualityJobDefinitionInput{
		JobDefinitionName: &j.definition,
		RoleArn:           &p.place.Role,
		ModelQualityAppSpecification: &types.ModelQualityAppSpecification{
			ImageUri: &image, ProblemType: problemType(p.spec.ModelQuality), RecordPreprocessorSourceUri: aws.String(p.place.uri(j.folder + "predictions.py")),
			Environment: publishMetrics(),
		},
		ModelQualityBaselineConfig: &types.ModelQualityBaselineConfig{
			ConstraintsResource: &types.MonitoringConstraintsResource{S3Uri: aws.String(p.place.uri(j.folder + "constraints.json"))},
		},
		ModelQualityJobInput: &types.ModelQualityJobInput{
			EndpointInput: input, GroundTruthS3Input: &types.MonitoringGroundTruthS3Input{S3Uri: aws.String(truthFolder(p.spec.ModelQuality))},
		},
		ModelQualityJobOutputConfig: p.outputConfig(j),
		JobResources:                p.resources(),
		StoppingCondition:           stoppingCondition(),
		NetworkConfig:               p.place.monitoringNetwork(),
	}
}

// truthFolder is the folder of labels, below which are year, month, day and hour.
func truthFolder(q *mlops.ModelQualityCheck) string { return strings.TrimRight(q.GroundTruth, "/") }

// publishMetrics tells a container to send its metrics to CloudWatch.
func publishMetrics() map[string]string {
	return map[string]string{"publish_cloudwatch_metrics": enabled}
}

// offsets are from when until when requests are judged, as seen from when a job
// runs: the window, as long ago as the truth of its requests may take.
func (p monitorPlan) offsets() (start, end *string) {
	delay := time.Duration(p.spec.ModelQuality.Delay)
	return offset(delay + p.spec.Window.Or(mlops.DefaultWindow)), offset(delay)
}

// offset is a time ago as Model Monitor takes it, in hours if it can be, rounded up
// to minutes.
func offset(ago time.Duration) *string {
	minutes := int64((ago + time.Minute - 1) / time.Minute)
	if minutes%60 == 0 {
		return aws.String(fmt.Sprintf("-PT%dH", minutes/60))
	}
	return aws.String(fmt.Sprintf("-PT%dM", minutes))
}

// qualityAlarms adds an alarm for each limit of a metric.
func (a alarmSet) qualityAlarms() {
	limits := qualityLimits(a.spec.ModelQuality)
	dimensions := []cwtypes.Dimension{
		{Name: aws.String("Endpoint"), Value: aws.String(nativeName(a.spec.Endpoint, maxName))},
		{Name: aws.String("MonitoringSchedule"), Value: aws.String(jobTypeOf("quality").schedule(a.spec.ID()))},
	}
	for _, metric := range slices.Sorted(maps.Keys(limits)) {
		in := jobAlarm(qualityNamespace, metric, dimensions)
		in.ComparisonOperator, in.Threshold = cwtypes.ComparisonOperator(limits[metric].Violated), aws.Float64(limits[metric].Threshold)
		a.add("quality-"+metric, metric+" of the model", in)
	}
}

// jobAlarm looks at a metric that a job of Model Monitor sends when it ran. Between
// runs the alarm stays as it is.
func jobAlarm(namespace, metric string, dimensions []cwtypes.Dimension) *cloudwatch.PutMetricAlarmInput {
	return &cloudwatch.PutMetricAlarmInput{
		Namespace: &namespace, MetricName: &metric, Dimensions: dimensions, Statistic: cwtypes.StatisticAverage,
		Period: aws.Int32(int32(time.Hour.Seconds())), EvaluationPeriods: aws.Int32(1), TreatMissingData: aws.String("ignore"),
	}
}

// jobTypeOf finds a type by its word.
func jobTypeOf(word string) jobType {
	all := jobTypes()
	return all[slices.IndexFunc(all, func(t jobType) bool { return t.word == word })]
}
