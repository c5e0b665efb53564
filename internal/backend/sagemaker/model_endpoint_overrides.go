package sagemaker

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The requests that an endpoint's overrides add to.
const (
	requestModel  = "CreateModel"
	requestConfig = "CreateEndpointConfig"
	requestUpdate = "UpdateEndpoint"

	memberVariants = "ProductionVariants"
)

// endpointOverridesNote says how overrides are meant here.
const endpointOverridesNote = "By request and in SageMaker's own words: of CreateModel, for the model of every variant; of CreateEndpointConfig, whose ProductionVariants are given by the variant's name; " +
	"of UpdateEndpoint, for how a change is rolled out. With AsyncInferenceConfig the endpoint is asynchronous."

// endpointRequests are those requests. What other attributes give is theirs.
func endpointRequests() map[string]nativeRequest {
	const (
		names   = "the provider names it"
		place   = "it is the environment's"
		version = "it comes from the version; use image and artifact_uri of mlops_model_version"
	)
	return map[string]nativeRequest{
		requestModel: {input: reflect.TypeFor[sagemaker.CreateModelInput](), owned: map[string]string{
			"ModelName": names, "Tags": "use labels", "ExecutionRoleArn": place, "VpcConfig": place, "EnableNetworkIsolation": place,
			"Containers": "a version is served by one container", "PrimaryContainer.Image": version, "PrimaryContainer.ModelDataUrl": version,
			"PrimaryContainer.ModelDataSource": version, "PrimaryContainer.ModelPackageName": version, "PrimaryContainer.Environment": "use env of the variant",
		}},
		requestConfig: {input: reflect.TypeFor[sagemaker.CreateEndpointConfigInput](), named: []string{memberVariants}, owned: map[string]string{
			"EndpointConfigName": names, "Tags": "use labels", "KmsKeyId": place, "ExecutionRoleArn": place, "VpcConfig": place, "EnableNetworkIsolation": place,
			"ShadowProductionVariants": "their models are not the provider's; use rollout", "DataCaptureConfig.EnableCapture": "use capture",
			"DataCaptureConfig.InitialSamplingPercentage": "use capture.sample_percent", "DataCaptureConfig.DestinationS3Uri": "monitors read it where the provider puts it",
			"DataCaptureConfig.KmsKeyId": place, memberVariants + ".*.VariantName": names, memberVariants + ".*.ModelName": names,
			memberVariants + ".*.InstanceType": "use compute of the variant", memberVariants + ".*.InstancePools": "use compute of the variant",
			memberVariants + ".*.VolumeSizeInGB": "use compute.disk of the variant", memberVariants + ".*.InitialInstanceCount": "use scaling of the variant",
			memberVariants + ".*.ManagedInstanceScaling": "use scaling of the variant", memberVariants + ".*.ServerlessConfig": "use scaling with min = 0 of the variant",
			memberVariants + ".*.InitialVariantWeight":                        "use traffic of the variant",
			memberVariants + ".*.ContainerStartupHealthCheckTimeoutInSeconds": "use startup_timeout of the variant",
		}},
		requestUpdate: {input: reflect.TypeFor[sagemaker.UpdateEndpointInput](), owned: map[string]string{
			"EndpointName": names, "EndpointConfigName": names, "RetainAllVariantProperties": "scaling decides it", "ExcludeRetainedVariantProperties": "scaling decides it",
			"RetainDeploymentConfig": "give DeploymentConfig itself, or rollout", "DeploymentConfig.AutoRollbackConfiguration.Alarms": "use rollout.gates",
		}},
	}
}

// overrideModel puts the overrides of an endpoint over a model.
func overrideModel(in *sagemaker.CreateModelInput, spec mlops.ModelEndpointSpec) error {
	return wrongOverrides(override(in, patchOf(spec.Overrides, requestModel)))
}

// overrideConfig puts the overrides of an endpoint over its configuration.
func overrideConfig(in *sagemaker.CreateEndpointConfigInput, spec mlops.ModelEndpointSpec) error {
	patch := maps.Clone(patchOf(spec.Overrides, requestConfig))
	variants, _ := patch[memberVariants].(map[string]any)
	delete(patch, memberVariants)
	for i := range in.ProductionVariants {
		added, _ := variants[aws.ToString(in.ProductionVariants[i].VariantName)].(map[string]any)
		if err := override(&in.ProductionVariants[i], added); err != nil {
			return wrongOverrides(err)
		}
	}
	return wrongOverrides(override(in, patch))
}

// overrideUpdate puts the overrides of an endpoint over the request that changes it.
func overrideUpdate(in *sagemaker.UpdateEndpointInput, spec mlops.ModelEndpointSpec) error {
	return wrongOverrides(override(in, patchOf(spec.Overrides, requestUpdate)))
}

// wrongOverrides says which attribute is to blame.
func wrongOverrides(err error) error {
	if err == nil {
		return nil
	}
	return &mlops.Error{Code: mlops.Invalid, Field: mlops.At("overrides").String(), Err: err}
}

// checkEndpointOverrides refuses overrides that SageMaker's requests do not have, and
// what an endpoint cannot have beside them.
func checkEndpointOverrides(c *mlops.Checker, spec mlops.ModelEndpointSpec) {
	if spec.Overrides == "" {
		return
	}
	k := overrideCheck{c: c, requests: endpointRequests(), names: slices.Sorted(maps.Keys(spec.Variants)), namesAt: mlops.At("variants")}
	k.check(spec.Overrides)
	if k.found > 0 {
		return
	}
	if lacksCapture(c, spec) {
		return
	}
	checkOverriddenRollout(c, spec)
	checkAsync(c, spec)
}

// lacksCapture refuses settings of a capture that there is none of.
func lacksCapture(c *mlops.Checker, spec mlops.ModelEndpointSpec) bool {
	if patchOf(spec.Overrides, requestConfig)["DataCaptureConfig"] == nil || spec.Capture != nil {
		return false
	}
	c.AddIf(mlops.At("overrides"), []mlops.Path{mlops.At("overrides"), mlops.At("capture")}, "No capture",
		"%s.DataCaptureConfig adds to what capture asks for, and there is no capture: give it too, or leave this out.", requestConfig)
	return true
}

// checkOverriddenRollout refuses two policies, of which SageMaker takes one.
func checkOverriddenRollout(c *mlops.Checker, spec mlops.ModelEndpointSpec) {
	deployment, _ := patchOf(spec.Overrides, requestUpdate)["DeploymentConfig"].(map[string]any)
	if deployment["RollingUpdatePolicy"] == nil {
		return
	}
	needs := []mlops.Path{mlops.At("overrides"), mlops.At("rollout"), mlops.At("variants")}
	if other, given := deployment["BlueGreenUpdatePolicy"]; spec.Rollout != nil && (!given || other != nil) {
		c.AddIf(mlops.At("overrides"), needs, "Two rollouts", "%s.DeploymentConfig.RollingUpdatePolicy is another rollout than that of rollout, and SageMaker takes one: "+
			"leave rollout out, or, for its gates, add BlueGreenUpdatePolicy = null.", requestUpdate)
	}
	if len(spec.Variants) > 1 {
		c.AddIf(mlops.At("overrides"), needs, "Not with several variants", "SageMaker has no rolling updates of endpoints with several variants: leave RollingUpdatePolicy out.")
	}
}

// isAsync reports whether an endpoint's overrides make it asynchronous.
func isAsync(spec mlops.ModelEndpointSpec) bool {
	return patchOf(spec.Overrides, requestConfig)["AsyncInferenceConfig"] != nil
}

// checkAsync refuses what an asynchronous endpoint does not have: it takes requests
// from S3 and answers there, and no others (developer guide, "Asynchronous
// inference").
func checkAsync(c *mlops.Checker, spec mlops.ModelEndpointSpec) {
	if !isAsync(spec) {
		return
	}
	const words = "Not asynchronously"
	refuse := func(at mlops.Path, detail string) {
		c.AddIf(at, []mlops.Path{at, mlops.At("overrides")}, words, "With AsyncInferenceConfig in overrides, %s", detail)
	}
	if spec.SmokeTest != nil {
		refuse(mlops.At("smoke_test"), "the endpoint answers no requests but those of InvokeEndpointAsync: leave smoke_test out, and try it by a request in S3.")
	}
	if spec.Rollout != nil && spec.Rollout.Gates != nil {
		refuse(mlops.At("rollout", "gates"), "SageMaker counts as answered what it has only queued, so that gates would see no error of the model: leave gates out.")
	}
	if asksShadow(spec.Rollout) {
		refuse(mlops.At("rollout", "strategy"), "SageMaker copies no requests to a shadow: take another strategy.")
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Variants)) {
		at := mlops.At("variants", mlops.Key(name), "scaling")
		switch v := spec.Variants[name]; {
		case isServerless(v):
			refuse(at.With("min"), "the endpoint needs machines: set scaling.min to 1 or more.")
		case endpointScale(v).auto():
			refuse(at, "requests wait in a queue, of which concurrency says nothing: give min and max the same number, and scale by ApproximateBacklogSizePerInstance with aws_appautoscaling_policy if need be.")
		}
	}
}

// checkCompleteEndpoint refuses overrides that leave out what SageMaker requires
// beside what they give.
func checkCompleteEndpoint(ctx context.Context, c *mlops.Checker, spec mlops.ModelEndpointSpec) {
	if spec.Overrides == "" || c.Err() != nil {
		return
	}
	form := endpointForm{Spec: spec, Config: "config"}
	model := &sagemaker.CreateModelInput{ModelName: aws.String("model"), PrimaryContainer: &types.ContainerDefinition{}}
	config := &sagemaker.CreateEndpointConfigInput{EndpointConfigName: &form.Config, DataCaptureConfig: endpointCapture(scene{}, spec.Capture)}
	for _, name := range slices.Sorted(maps.Keys(spec.Variants)) {
		config.ProductionVariants = append(config.ProductionVariants, types.ProductionVariant{VariantName: &name})
	}
	update := toEndpointUpdate("endpoint", form, &form)
	if err := errors.Join(overrideModel(model, spec), overrideConfig(config, spec), overrideUpdate(update, spec)); err != nil {
		c.Add(mlops.At("overrides"), "Not mergeable", "%s.", mlops.Message(err))
		return
	}
	if len(spec.Variants) == 0 { // they are not known yet
		config.ProductionVariants = []types.ProductionVariant{}
	}
	checkComplete(ctx, c, requestModel, func(ctx context.Context, client *sagemaker.Client) error {
		_, err := client.CreateModel(ctx, model)
		return err
	})
	checkComplete(ctx, c, requestConfig, func(ctx context.Context, client *sagemaker.Client) error {
		_, err := client.CreateEndpointConfig(ctx, config)
		return err
	})
	checkComplete(ctx, c, requestUpdate, func(ctx context.Context, client *sagemaker.Client) error {
		_, err := client.UpdateEndpoint(ctx, update)
		return err
	})
}
