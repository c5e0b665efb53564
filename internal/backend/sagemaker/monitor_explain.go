package sagemaker

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Where Clarify's own container looks for what it reads, and writes. Source: the
// developer guide's "Configure a SageMaker Clarify Processing Job", which also gives
// the names of inputs and outputs.
const (
	clarifyConfig  = analyzerRoot + "/input/config"
	clarifyRows    = analyzerRoot + "/input/data"
	clarifyResults = analyzerRoot + "/output"
)

// Files of an explanation, in its folder. What Clarify found in the baseline is what
// the window is compared with, as it is.
const (
	explainRows     = "rows.json"
	explainBaseline = "baseline_config.json"
	explainAnalysis = "analysis_config.json"
	explainFound    = "baseline/analysis.json"
)

// explainedKept is what explaining a model takes beside the spec.
type explainedKept struct {
	Model string `json:"model"` // that the endpoint had when the monitor was last changed
	Files string `json:"files"` // mark of what the jobs read; names their folder
}

// explainFolder is the key of an explanation's files, below the environment's prefix.
func (s monitorScene) explainFolder(files string) string {
	return s.folder() + "explainability/" + files + "/"
}

func (p monitorPlan) explainFile(name string) string {
	return p.place.uri(p.explainFolder(p.kept.Explained.Files) + name)
}

func (p monitorPlan) explainParts() any { return []any{p.kept.Explained, p.kept.Born} }

// explainDescription is Clarify's job that explains the model by the baseline.
func (p monitorPlan) explainDescription() description {
	made := mlops.DigestOf(p.describedFrom("explainability", p.kept.Explained, p.kept.Born))
	return description{
		nativeName(p.id, maxName-1-len(shortHash(""))) + "-" + shortHash(made), "explainability_baseline_job_arn", monitorPlan.explainBaselineJob,
	}
}

// defineExplanations makes the job that explains the model by what the endpoint was
// asked. The baseline is described by then.
func (k monitorKind) defineExplanations(ctx context.Context, p monitorPlan, j monitorJob) error {
	image, err := p.c.clarifyImage()
	if err != nil {
		return err
	}
	return sendExplanations(ctx, p.c.sagemaker, p, j, image, k.definitionTags(p))
}

// sendExplanations asks for the definition, with what overrides add to it.
func sendExplanations(ctx context.Context, client *sagemaker.Client, p monitorPlan, j monitorJob, image string, tags []types.Tag) error {
	in := p.explainDefinition(j, image)
	in.Tags = tags
	if err := overrideJob(in, j, p.spec); err != nil {
		return err
	}
	_, err := client.CreateModelExplainabilityJobDefinition(ctx, in)
	return err
}

func (p monitorPlan) explainDefinition(j monitorJob, image string) *sagemaker.CreateModelExplainabilityJobDefinitionInput {
	input := p.endpointInput()
	input.FeaturesAttribute, input.InferenceAttribute = aws.String(featuresPath(p.spec.Baseline.Features)), aws.String(predictionPath)
	return &sagemaker.CreateModelExplainabilityJobDefinitionInput{
		JobDefinitionName: &j.definition,
		RoleArn:           &p.place.Role,
		ModelExplainabilityAppSpecification: &types.ModelExplainabilityAppSpecification{
			ImageUri: &image, ConfigUri: aws.String(p.explainFile(explainAnalysis)), Environment: publishMetrics(),
		},
		ModelExplainabilityBaselineConfig: &types.ModelExplainabilityBaselineConfig{
			ConstraintsResource: &types.MonitoringConstraintsResource{S3Uri: aws.String(p.explainFile(explainFound))},
		},
		ModelExplainabilityJobInput:        &types.ModelExplainabilityJobInput{EndpointInput: input},
		ModelExplainabilityJobOutputConfig: p.outputConfig(j),
		JobResources:                       p.resources(),
		StoppingCondition:                  stoppingCondition(),
		NetworkConfig:                      p.place.monitoringNetwork(),
	}
}

// explainBaselineJob is Clarify's job on the baseline.
func (p monitorPlan) explainBaselineJob() (*sagemaker.CreateProcessingJobInput, error) {
	image, err := p.c.clarifyImage()
	if err != nil {
		return nil, err
	}
	input := func(name, file, at string) types.ProcessingInput {
		return types.ProcessingInput{InputName: &name, S3Input: &types.ProcessingS3Input{
			S3Uri: aws.String(p.explainFile(file)), LocalPath: &at, S3DataType: types.ProcessingS3DataTypeS3Prefix,
			S3InputMode: types.ProcessingS3InputModeFile, S3DataDistributionType: types.ProcessingS3DataDistributionTypeFullyreplicated,
		}}
	}
	in := p.describingJob(p.explainDescription().name, image)
	in.ProcessingInputs = []types.ProcessingInput{input("analysis_config", explainBaseline, clarifyConfig), input("dataset", explainRows, clarifyRows)}
	in.ProcessingOutputConfig.Outputs = []types.ProcessingOutput{{
		OutputName: aws.String("analysis_result"),
		S3Output: &types.ProcessingS3Output{
			S3Uri: aws.String(p.explainFile("baseline")), LocalPath: aws.String(clarifyResults), S3UploadMode: types.ProcessingS3UploadModeEndOfJob,
		},
	}}
	return in, nil
}

// lookAtModel tells of an endpoint that serves another model than the one that is
// explained: that one may be gone.
func (k monitorKind) lookAtModel(ctx context.Context, p monitorPlan, seen *monitorSeen) error {
	served, err := k.explainedModel(ctx, p.c, p.spec.Endpoint)
	if k.is(err, mlops.NotFound) || err == nil && served.model == p.kept.Explained.Model {
		return nil // an endpoint that is gone for the night comes back
	}
	if err == nil && seen.Phase == mlops.PhaseReady {
		seen.Phase = mlops.PhaseFailed
		seen.Reason = fmt.Sprintf("the endpoint serves the model %s, and %s is explained", served.model, p.kept.Explained.Model)
	}
	return err
}

// servedModel is a model as an endpoint serves it.
type servedModel struct {
	model, machine string
	instances      int64 // that the endpoint has of the machine's type
}

// explainedModel is the model that most of an endpoint's traffic goes to.
func (k monitorKind) explainedModel(ctx context.Context, c *clients, endpoint mlops.ID) (servedModel, error) {
	out, err := c.sagemaker.DescribeEndpoint(ctx, &sagemaker.DescribeEndpointInput{EndpointName: aws.String(nativeName(endpoint, maxName))})
	if err != nil {
		return servedModel{}, err
	}
	config, err := c.sagemaker.DescribeEndpointConfig(ctx, &sagemaker.DescribeEndpointConfigInput{EndpointConfigName: out.EndpointConfigName})
	if err != nil {
		return servedModel{}, err
	}
	served, most, instances := servedModel{}, float32(-1), map[string]int64{}
	for _, v := range config.ProductionVariants {
		weight, count := aws.ToFloat32(v.InitialVariantWeight), aws.ToInt32(v.InitialInstanceCount)
		for _, now := range out.ProductionVariants {
			if aws.ToString(now.VariantName) == aws.ToString(v.VariantName) && now.CurrentWeight != nil {
				weight, count = *now.CurrentWeight, aws.ToInt32(now.CurrentInstanceCount)
			}
		}
		instances[string(v.InstanceType)] += int64(count)
		if weight > most {
			most, served.model, served.machine = weight, aws.ToString(v.ModelName), string(v.InstanceType)
		}
	}
	if served.machine == "" { // serverless
		served.machine = monitorMachine
	}
	served.instances = instances[served.machine]
	return served, nil
}

// checkMonitorExplained refuses what Clarify cannot do, or has to be told.
func checkMonitorExplained(c *mlops.Checker, spec mlops.MonitorSpec) {
	e := spec.Explainability
	if e == nil {
		return
	}
	at, features := mlops.At("explainability"), mlops.At("baseline", "features")
	if n := e.MinNDCG; n != nil && *n != mlops.DefaultNDCG {
		c.Add(at.With("min_ndcg"), "Not available on sagemaker", "SageMaker Clarify judges by %g alone: leave it out.", mlops.DefaultNDCG)
	}
	if b := spec.Baseline; b != nil && len(b.Features) == 0 {
		c.AddIf(at, []mlops.Path{features}, "No features", "SageMaker Clarify has to be told what each value of a request is: list the features in baseline.features.")
	}
}

// checkExplainedPlace refuses explanations where Clarify's jobs reach no model: a job
// without network cannot ask one.
func checkExplainedPlace(c *mlops.Checker, spec mlops.MonitorSpec, p place) {
	if spec.Explainability != nil && p.Isolated {
		c.Add(mlops.At("explainability"), "Out of reach", "The environment has network_isolation, and SageMaker Clarify has to ask the model: let the environment have subnets instead, or leave explainability out.")
	}
}
