package sagemaker

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

//go:embed preprocess.py
var preprocess string

// dataCheck is what a job on data is held to, and on which columns.
type dataCheck struct {
	drift   *mlops.DriftCheck
	quality *mlops.DataQualityCheck
	// watches reports whether a column of the baseline is looked at.
	watches func(column string) bool
}

// featureCheck looks at the features.
func featureCheck(spec mlops.MonitorSpec) dataCheck {
	return dataCheck{spec.DataDrift, spec.DataQuality, func(column string) bool { return isFeature(spec.Baseline, column) }}
}

// predictionCheck looks at the predictions alone.
func predictionCheck(spec mlops.MonitorSpec) dataCheck {
	return dataCheck{spec.PredictionDrift, nil, func(column string) bool { return column == predictionColumn(spec.Baseline) }}
}

// isFeature reports whether a column of the baseline is a feature.
func isFeature(b *mlops.Baseline, column string) bool {
	if column == b.Label || column == predictionColumn(b) {
		return false
	}
	return len(b.Features) == 0 || slices.Contains(b.Features, column)
}

// predictionColumn is the column of a baseline, and of what is compared with it, that
// holds predictions.
func predictionColumn(b *mlops.Baseline) string {
	if b == nil || b.Prediction == "" {
		return mlops.DefaultPredicted
	}
	return b.Prediction
}

func (p monitorPlan) dataParts() any {
	return []any{p.kept.Baseline, p.kept.Born, p.spec.Baseline, p.spec.DataDrift, p.spec.DataQuality, preprocess}
}

func (p monitorPlan) predictionParts() any {
	return []any{p.kept.Baseline, p.kept.Born, p.spec.Baseline, p.spec.PredictionDrift, preprocess}
}

func (k monitorKind) defineData(ctx context.Context, p monitorPlan, j monitorJob) error {
	return k.defineComparison(ctx, p, j, featureCheck(p.spec))
}

func (k monitorKind) definePredictions(ctx context.Context, p monitorPlan, j monitorJob) error {
	return k.defineComparison(ctx, p, j, predictionCheck(p.spec))
}

// defineComparison makes the job that compares captured requests with the baseline.
// Its files are the constraints with the monitor's limits, and the script that reads
// the requests.
func (k monitorKind) defineComparison(ctx context.Context, p monitorPlan, j monitorJob, check dataCheck) error {
	files := &store{k.backend, p.c.s3, p.place}
	suggested, err := files.getBytes(ctx, p.suggested("constraints.json"), maxConstraints)
	if err != nil {
		return fmt.Errorf("read the constraints that the baseline suggests: %w", err)
	}
	asked, err := check.constraints(suggested)
	if err != nil {
		return err
	}
	script, err := check.script(suggested, p.spec.Baseline)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"constraints.json": asked, "preprocess.py": script} {
		if err := files.putBytes(ctx, p.place.key(j.folder+name), content); err != nil {
			return err
		}
	}
	image, err := p.c.analyzerImage()
	if err != nil {
		return err
	}
	return sendData(ctx, p.c.sagemaker, p, j, image, k.definitionTags(p))
}

// sendData asks for the definition, with what overrides add to it.
func sendData(ctx context.Context, client *sagemaker.Client, p monitorPlan, j monitorJob, image string, tags []types.Tag) error {
	in := p.comparison(j, image)
	in.Tags = tags
	if err := overrideJob(in, j, p.spec); err != nil {
		return err
	}
	_, err := client.CreateDataQualityJobDefinition(ctx, in)
	return err
}

func (p monitorPlan) comparison(j monitorJob, image string) *sagemaker.CreateDataQualityJobDefinitionInput {
	return &sagemaker.CreateDataQualityJobDefinitionInput{
		JobDefinitionName: &j.definition,
		RoleArn:           &p.place.Role,
		DataQualityAppSpecification: &types.DataQualityAppSpecification{
			ImageUri: &image, RecordPreprocessorSourceUri: aws.String(p.place.uri(j.folder + "preprocess.py")),
		},
		DataQualityBaselineConfig: &types.DataQualityBaselineConfig{
			ConstraintsResource: &types.MonitoringConstraintsResource{S3Uri: aws.String(p.place.uri(j.folder + "constraints.json"))},
			StatisticsResource:  &types.MonitoringStatisticsResource{S3Uri: aws.String("s3://" + p.place.Bucket + "/" + p.suggested("statistics.json"))},
		},
		DataQualityJobInput:        &types.DataQualityJobInput{EndpointInput: p.endpointInput()},
		DataQualityJobOutputConfig: p.outputConfig(j),
		JobResources:               p.resources(),
		StoppingCondition:          stoppingCondition(),
		NetworkConfig:              p.place.monitoringNetwork(),
	}
}

// script is the script with the names of the features, in the order of the baseline,
// and of the prediction, for those that are looked at.
func (d dataCheck) script(suggested []byte, b *mlops.Baseline) ([]byte, error) {
	var c constraints
	if err := json.Unmarshal(suggested, &c); err != nil {
		return nil, fmt.Errorf("the baseline's constraints cannot be read: %w", err)
	}
	features, prediction := []string{}, ""
	if d.watches(predictionColumn(b)) {
		prediction = predictionColumn(b)
	} else if features = b.Features; len(features) == 0 {
		for _, f := range c.Features {
			if d.watches(f.Name) {
				features = append(features, f.Name)
			}
		}
	}
	return []byte(strings.NewReplacer("@FEATURES@", pythonJSON(features), "@PREDICTION@", pythonJSON(prediction)).Replace(preprocess)), nil
}

// pythonJSON is JSON as it stands in a Python string of three quotes.
func pythonJSON(v any) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(jsonText(v))
}
