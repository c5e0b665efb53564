package sagemaker

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/table"
)

// Clarify's metrics in CloudWatch. Source: the developer guide's "CloudWatch Metrics
// for Bias Drift Analysis".
const (
	biasNamespace    = "aws/sagemaker/Endpoints/bias-metrics"
	biasMetricPrefix = "bias_metric_"
	postTraining     = "Post-Training"
)

// Where Clarify finds things in requests, answers and labels: JMESPath. Instances
// may be lists, or objects with the features' names.
const (
	predictionPath = "predictions[*]"
	labelPath      = "instances[*].label"
)

// mostGroups is how many groups may be compared: each has two alarms.
const mostGroups = 10

// longestGroup is how long a value may be: all are kept in the monitor's record.
const longestGroup = 64

// biasMetric is what Clarify calls a statistic. Source: the developer guide's
// "Post-training Data and Model Bias Metrics".
type biasMetric struct {
	statistic, short, long string
	ratio                  bool // 1 is no bias, and not 0
}

func biasMetrics() []biasMetric {
	return []biasMetric{
		{"demographic_parity_difference", "DPPL", "Difference in Positive Proportions in Predicted Labels (DPPL)", false},
		{"disparate_impact", "DI", "Disparate Impact (DI)", true},
		{"equal_opportunity_difference", "RD", "Recall Difference (RD)", false}, // recall is the rate of true positives
	}
}

func biasMetricOf(statistic string) biasMetric {
	all := biasMetrics()
	return all[max(0, slices.IndexFunc(all, func(m biasMetric) bool { return m.statistic == statistic }))]
}

// biasStatistic is the statistic that Clarify calls by a short name.
func biasStatistic(short string) string {
	all := biasMetrics()
	return all[max(0, slices.IndexFunc(all, func(m biasMetric) bool { return m.short == short }))].statistic
}

// bounds are the least and the most that a metric may be: how groups are called, and
// so which of them comes first, must not matter.
func (m biasMetric) bounds(threshold float64) (low, high float64) {
	if m.ratio {
		return threshold, 1 / threshold
	}
	return -threshold, threshold
}

// groups reads the values that the group's column has in the baseline.
func (k monitorKind) groups(ctx context.Context, s monitorScene, spec mlops.MonitorSpec, uri string) (values []string, err error) {
	dir, err := os.MkdirTemp("", "mlops-monitor-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path, err := (&store{k.backend, s.c.s3, s.place}).download(ctx, uri, dir)
	if err != nil {
		return nil, err
	}
	kind, values, err := table.Values(ctx, path, baselineFormat(spec.Baseline, uri), spec.Bias.Group, mostGroups+1)
	switch {
	case mlops.CodeOf(err) == mlops.Invalid:
		return nil, mlops.InvalidField("baseline", "the data cannot be read: %s", mlops.Message(err))
	case err != nil:
		return nil, err
	case kind != table.String && kind != table.Integer:
		return nil, mlops.InvalidField("bias.group", "the column %q of the baseline holds values of type %q; SageMaker Clarify tells groups by text or whole numbers", spec.Bias.Group, kind)
	case len(values) < 2 || len(values) > mostGroups:
		return nil, mlops.InvalidField("bias.group", "the column %q of the baseline has %d values; give one with 2 to %d", spec.Bias.Group, len(values), mostGroups)
	case slices.ContainsFunc(values, func(v string) bool { return !isASCII(v) || len(v) > longestGroup }):
		return nil, mlops.InvalidField("bias.group", "the column %q of the baseline holds values that are not in ASCII, in which CloudWatch names what it measures, or of more than %d characters", spec.Bias.Group, longestGroup)
	}
	return values, nil
}

// facets are the groups that are each compared with all others. Of two, one is
// enough.
func facets(groups []string) []string {
	if len(groups) == 2 {
		return groups[:1]
	}
	return groups
}

// biasConfig is Clarify's analysis configuration. The label's column is called as
// the label's path is: which of the two names the metrics does not matter then.
func (p monitorPlan) biasConfig() []byte {
	facet := map[string]any{"name_or_index": p.spec.Bias.Group}
	if len(p.kept.Groups) == 2 { // without, every value is compared
		facet["value_or_threshold"] = []any{labelValue(p.kept.Groups[0])}
	}
	return []byte(jsonText(map[string]any{
		"version":                   "1.0",
		"headers":                   append(slices.Clone(p.spec.Baseline.Features), labelPath),
		"label":                     labelPath,
		"label_values_or_threshold": []any{labelValue(favorable(p.spec.Bias))},
		"facet":                     []any{facet},
	}))
}

// favorable is the prediction that counts as favourable, "1" by default.
func favorable(b *mlops.BiasCheck) string {
	if b.Favorable == "" {
		return "1"
	}
	return b.Favorable
}

// labelValue is a value as it stands in JSON: a number, if it reads as one.
func labelValue(text string) any {
	if n, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
		return json.Number(text)
	}
	return text
}

// biasConstraints is the file that Clarify holds a model to: an analysis with the
// worst values that are allowed, as its baseline jobs suggest them. A value further
// from no bias than these is a violation.
func (p monitorPlan) biasConstraints() []byte {
	m := biasMetricOf(p.spec.Bias.Statistic)
	var all []any
	for _, value := range facets(p.kept.Groups) {
		all = append(all, map[string]any{
			"value_or_threshold": value,
			"metrics":            []any{map[string]any{"name": m.short, "description": m.long, "value": p.spec.Bias.Threshold}},
		})
	}
	return []byte(jsonText(map[string]any{
		"version": "1.0",
		"post_training_bias_metrics": map[string]any{
			"label": labelPath, "label_value_or_threshold": favorable(p.spec.Bias), "facets": map[string]any{p.spec.Bias.Group: all},
		},
	}))
}

// featuresPath finds the features of each instance: lists as they are, and objects
// by name.
func featuresPath(features []string) string {
	return "instances[?type(@)=='array'] || instances[*]." + jsonText(features)
}

func (p monitorPlan) biasParts() any {
	return []any{p.spec.Bias, p.kept.Groups, p.spec.Baseline.Features, p.spec.ModelQuality.GroundTruth, p.spec.ModelQuality.Delay}
}

// defineBias makes the job that compares groups.
func (k monitorKind) defineBias(ctx context.Context, p monitorPlan, j monitorJob) error {
	image, err := p.c.clarifyImage()
	if err != nil {
		return err
	}
	files := &store{k.backend, p.c.s3, p.place}
	for name, content := range map[string][]byte{"analysis_config.json": p.biasConfig(), "constraints.json": p.biasConstraints()} {
		if err := files.putBytes(ctx, p.place.key(j.folder+name), content); err != nil {
			return err
		}
	}
	return sendBias(ctx, p.c.sagemaker, p, j, image, k.definitionTags(p))
}

// sendBias asks for the definition, with what overrides add to it.
func sendBias(ctx context.Context, client *sagemaker.Client, p monitorPlan, j monitorJob, image string, tags []types.Tag) error {
	in := p.biasDefinition(j, image)
	in.Tags = tags
	if err := overrideJob(in, j, p.spec); err != nil {
		return err
	}
	_, err := client.CreateModelBiasJobDefinition(ctx, in)
	return err
}

func (p monitorPlan) biasDefinition(j monitorJob, image string) *sagemaker.CreateModelBiasJobDefinitionInput {
	input := p.endpointInput()
	input.FeaturesAttribute, input.InferenceAttribute = aws.String(featuresPath(p.spec.Baseline.Features)), aws.String(predictionPath)
	input.StartTimeOffset, input.EndTimeOffset = p.offsets()
	return &sagemaker.CreateModelBiasJobDefinitionInput{
		JobDefinitionName: &j.definition,
		RoleArn:           &p.place.Role,
		ModelBiasAppSpecification: &types.ModelBiasAppSpecification{
			ImageUri: &image, ConfigUri: aws.String(p.place.uri(j.folder + "analysis_config.json")), Environment: publishMetrics(),
		},
		ModelBiasBaselineConfig: &types.ModelBiasBaselineConfig{
			ConstraintsResource: &types.MonitoringConstraintsResource{S3Uri: aws.String(p.place.uri(j.folder + "constraints.json"))},
		},
		ModelBiasJobInput: &types.ModelBiasJobInput{
			EndpointInput: input, GroundTruthS3Input: &types.MonitoringGroundTruthS3Input{S3Uri: aws.String(biasTruthFolder(p.spec.ModelQuality))},
		},
		ModelBiasJobOutputConfig: p.outputConfig(j),
		JobResources:             p.resources(),
		StoppingCondition:        stoppingCondition(),
		NetworkConfig:            p.place.monitoringNetwork(),
	}
}

// biasTruthFolder is the folder of labels in Clarify's form. Model Monitor takes the
// truth as a bare label and Clarify as JSON, so that they cannot share files.
func biasTruthFolder(q *mlops.ModelQualityCheck) string { return truthFolder(q) + "/" + biasTruth }

// biasTruth is the folder below that of Model Monitor's labels.
const biasTruth = "bias"

// biasAlarms adds two alarms for each group that is compared: one for being below
// what is allowed, one for being above.
func (a alarmSet) biasAlarms() {
	b, m := a.spec.Bias, biasMetricOf(a.spec.Bias.Statistic)
	low, high := m.bounds(b.Threshold)
	for _, value := range facets(a.groups) {
		words := m.statistic + " of " + b.Group + " " + value
		mark := shortHash(value) // values may hold what names may not
		below := jobAlarm(biasNamespace, biasMetricPrefix+m.short, a.biasDimensions(value))
		below.ComparisonOperator, below.Threshold = cwtypes.ComparisonOperatorLessThanThreshold, &low
		a.add("bias-"+mark+"-low", words, below)
		above := jobAlarm(biasNamespace, biasMetricPrefix+m.short, a.biasDimensions(value))
		above.ComparisonOperator, above.Threshold = cwtypes.ComparisonOperatorGreaterThanThreshold, &high
		a.add("bias-"+mark+"-high", words, above)
	}
}

func (a alarmSet) biasDimensions(value string) []cwtypes.Dimension {
	var out []cwtypes.Dimension
	for _, d := range [][2]string{
		{"Endpoint", nativeName(a.spec.Endpoint, maxName)},
		{"MonitoringSchedule", jobTypeOf("bias").schedule(a.spec.ID())},
		{"BiasStage", postTraining},
		{"Label", labelPath},
		{"LabelValue", favorable(a.spec.Bias)},
		{"Facet", a.spec.Bias.Group},
		{"FacetValue", value},
	} {
		out = append(out, cwtypes.Dimension{Name: &d[0], Value: &d[1]})
	}
	return out
}
