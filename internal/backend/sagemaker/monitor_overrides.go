package sagemaker

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// overridesBaseline is under which name overrides add to the jobs that describe the
// baseline.
const overridesBaseline = "baseline"

// monitorOverridesNote says how overrides are meant here.
const monitorOverridesNote = "By check and in SageMaker's own words: what stands under data_drift or data_quality (one job makes both) and under prediction_drift is merged into that job's CreateDataQualityJobDefinition, " +
	"model_quality into CreateModelQualityJobDefinition, bias into CreateModelBiasJobDefinition, explainability into CreateModelExplainabilityJobDefinition, and baseline into CreateProcessingJob for what describes the baseline. health has no request of the kind."

// monitorRequests are those requests, by check. What other attributes give is theirs.
func monitorRequests() map[string]nativeRequest {
	data := definitionRequest(reflect.TypeFor[sagemaker.CreateDataQualityJobDefinitionInput](), "DataQuality", map[string]string{
		"DataQualityAppSpecification.RecordPreprocessorSourceUri": overriddenFiles,
	})
	return map[string]nativeRequest{
		"data_drift": data, "data_quality": data, "prediction_drift": data, overridesBaseline: baselineRequest(),
		"model_quality": definitionRequest(reflect.TypeFor[sagemaker.CreateModelQualityJobDefinitionInput](), "ModelQuality", map[string]string{
			"ModelQualityAppSpecification.RecordPreprocessorSourceUri": overriddenFiles,
			"ModelQualityAppSpecification.ProblemType":                 "use model_quality.task",
			"ModelQualityJobInput.GroundTruthS3Input":                  overriddenTruth,
		}),
		"bias": definitionRequest(reflect.TypeFor[sagemaker.CreateModelBiasJobDefinitionInput](), "ModelBias", map[string]string{
			"ModelBiasAppSpecification.ConfigUri": overriddenFiles, "ModelBiasJobInput.GroundTruthS3Input": overriddenTruth,
		}),
		"explainability": definitionRequest(reflect.TypeFor[sagemaker.CreateModelExplainabilityJobDefinitionInput](), "ModelExplainability", map[string]string{
			"ModelExplainabilityAppSpecification.ConfigUri": overriddenFiles,
		}),
	}
}

// What has members that are not for overrides.
const (
	overriddenName  = "the provider names it"
	overriddenPlace = "it is the environment's"
	overriddenFiles = "the provider writes it by what the check asks for"
	overriddenTruth = "use model_quality.ground_truth_uri"
)

// definitionRequest is that of one type of job definitions, whose members begin with
// its word.
func definitionRequest(input reflect.Type, word string, more map[string]string) nativeRequest {
	const window = "use window, and delay of model_quality"
	owned := map[string]string{
		"JobDefinitionName": overriddenName, "Tags": "use labels", "RoleArn": overriddenPlace, "NetworkConfig": overriddenPlace,
		"JobResources.ClusterConfig.VolumeKmsKeyId":     overriddenPlace,
		word + "JobOutputConfig":                        "the reports are read where the provider puts them",
		word + "BaselineConfig":                         overriddenFiles,
		word + "JobInput.BatchTransformInput":           "a monitor watches an endpoint",
		word + "JobInput.EndpointInput.EndpointName":    "use endpoint",
		word + "JobInput.EndpointInput.StartTimeOffset": window,
		word + "JobInput.EndpointInput.EndTimeOffset":   window,
	}
	maps.Copy(owned, more)
	return nativeRequest{input: input, owned: owned}
}

func baselineRequest() nativeRequest {
	return nativeRequest{input: reflect.TypeFor[sagemaker.CreateProcessingJobInput](), owned: map[string]string{
		"ProcessingJobName": overriddenName, "Tags": "use labels", "RoleArn": overriddenPlace, "NetworkConfig": overriddenPlace,
		"ProcessingInputs": "use baseline", "ProcessingOutputConfig": "the description is read where the provider puts it",
		"ProcessingResources.ClusterConfig.VolumeKmsKeyId": overriddenPlace, "ExperimentConfig": "a monitor belongs to no experiment",
	}}
}

// patch is what overrides add to a job's definition: two checks that share a job have
// them under one of their names.
func (t jobType) patch(overrides string) map[string]any {
	for _, check := range t.checks {
		if p := patchOf(overrides, check); len(p) > 0 {
			return p
		}
	}
	return nil
}

// overrideJob puts the overrides of a monitor over a job's definition.
func overrideJob[T any](in *T, j monitorJob, spec mlops.MonitorSpec) error {
	return wrongOverrides(override(in, j.patch(spec.Overrides)))
}

// marked adds to what names are made from the overrides that go into it, if there are
// any: without them names stay as they were.
func marked(parts []any, patch map[string]any) []any {
	if len(patch) == 0 {
		return parts
	}
	return append(slices.Clone(parts), patch)
}

// checkMonitorOverrides refuses overrides that SageMaker's requests do not have, and
// those of checks that the monitor does not make.
func checkMonitorOverrides(c *mlops.Checker, spec mlops.MonitorSpec) {
	if spec.Overrides == "" {
		return
	}
	k := overrideCheck{c: c, requests: monitorRequests()}
	k.check(spec.Overrides)
	if k.found > 0 {
		return
	}
	given, err := mlops.Overrides(spec.Overrides)
	if err != nil {
		return // refused before
	}
	at := mlops.At("overrides")
	for _, check := range slices.Sorted(maps.Keys(given)) {
		switch {
		case check == overridesBaseline && !describesBaseline(spec):
			c.AddIf(at, []mlops.Path{at, mlops.At(overridesBaseline)}, "No job", "No job describes the baseline of this monitor, to which baseline could add: leave it out.")
		case check != overridesBaseline && !slices.Contains(spec.Checks(), check):
			c.AddIf(at, []mlops.Path{at, mlops.At(check)}, "Check not made", "The monitor has no %s, to whose job overrides could add.", check)
		}
	}
	for _, t := range jobTypes() {
		if both := slices.DeleteFunc(slices.Clone(t.checks), func(check string) bool { return given[check] == nil }); len(both) > 1 {
			c.Add(at, "One job", "SageMaker Model Monitor makes %s in one job: give what is added to it under one of them.", strings.Join(both, " and "))
		}
	}
}

// describesBaseline reports whether a job describes the baseline.
func describesBaseline(spec mlops.MonitorSpec) bool {
	return slices.ContainsFunc(jobTypes(), func(t jobType) bool { return t.described != nil && t.wanted(spec) })
}

// checkCompleteMonitor refuses overrides that leave out what SageMaker requires beside
// what they give.
func checkCompleteMonitor(ctx context.Context, c *mlops.Checker, spec mlops.MonitorSpec) {
	if spec.Overrides == "" || c.Err() != nil {
		return
	}
	p := monitorPlan{spec: spec}
	if p.spec.Baseline == nil { // neither may be known yet
		p.spec.Baseline = &mlops.Baseline{}
	}
	if p.spec.ModelQuality == nil {
		p.spec.ModelQuality = &mlops.ModelQualityCheck{}
	}
	for _, t := range jobTypes() {
		if !t.wanted(spec) || len(t.patch(spec.Overrides)) == 0 {
			continue
		}
		if err := t.send(ctx, unsentClient(), p, monitorJob{jobType: t}, "image", nil); mlops.CodeOf(err) == mlops.Invalid {
			c.Add(mlops.At("overrides"), "Not mergeable", "%s.", mlops.Message(err))
			continue
		}
		checkComplete(ctx, c, t.checks[0], func(ctx context.Context, client *sagemaker.Client) error {
			return t.send(ctx, client, p, monitorJob{jobType: t}, "image", nil)
		})
	}
	if patch := patchOf(spec.Overrides, overridesBaseline); len(patch) > 0 {
		in := p.describingJob("job", "image")
		in.ProcessingOutputConfig.Outputs = []types.ProcessingOutput{}
		if err := override(in, patch); err != nil {
			c.Add(mlops.At("overrides"), "Not mergeable", "%s.", mlops.Message(wrongOverrides(err)))
			return
		}
		checkComplete(ctx, c, overridesBaseline, func(ctx context.Context, client *sagemaker.Client) error {
			_, err := client.CreateProcessingJob(ctx, in)
			return err
		})
	}
}
