package sagemaker

import (
	"context"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// requestPackage is the request that a version's overrides add to.
const requestPackage = "CreateModelPackage"

// versionOverridesNote says how overrides are meant here.
const versionOverridesNote = "Of CreateModelPackage, in SageMaker's own words, such as Domain, Task, ModelCard or DriftCheckBaselines."

// versionRequests is that request. What other attributes give is theirs.
func versionRequests() map[string]nativeRequest {
	const (
		names  = "the provider names it"
		record = "the provider keeps its record there; use labels of mlops_model"
	)
	return map[string]nativeRequest{requestPackage: {input: reflect.TypeFor[sagemaker.CreateModelPackageInput](), owned: map[string]string{
		"ModelPackageGroupName": names, "ModelPackageName": names, "ClientToken": names, "CustomerMetadataProperties": record,
		"Tags": "packages of a group have none; use labels of mlops_model", "ModelPackageDescription": "use description", "ModelApprovalStatus": "use approval",
		"MetadataProperties.GeneratedBy": "use run", "ModelMetrics.ModelQuality": "use metrics", "InferenceSpecification.Containers": "use image and artifact_uri",
		"SourceAlgorithmSpecification": "use image and artifact_uri",
	}}}
}

// overridePackage puts the overrides of a version over its package.
func overridePackage(in *sagemaker.CreateModelPackageInput, spec mlops.ModelVersionSpec) error {
	return wrongOverrides(override(in, patchOf(spec.Overrides, requestPackage)))
}

// checkVersionOverrides refuses overrides that SageMaker's request does not have.
func checkVersionOverrides(c *mlops.Checker, spec mlops.ModelVersionSpec) {
	if spec.Overrides == "" {
		return
	}
	k := overrideCheck{c: c, requests: versionRequests()}
	k.check(spec.Overrides)
}

// checkCompleteVersion refuses overrides that leave out what SageMaker requires beside
// what they give.
func checkCompleteVersion(ctx context.Context, c *mlops.Checker, spec mlops.ModelVersionSpec) {
	if spec.Overrides == "" || c.Err() != nil {
		return
	}
	in := &sagemaker.CreateModelPackageInput{InferenceSpecification: &types.InferenceSpecification{Containers: []types.ModelPackageContainerDefinition{{}}}}
	if err := overridePackage(in, spec); err != nil {
		c.Add(mlops.At("overrides"), "Not mergeable", "%s.", mlops.Message(err))
		return
	}
	checkComplete(ctx, c, requestPackage, func(ctx context.Context, client *sagemaker.Client) error {
		_, err := client.CreateModelPackage(ctx, in)
		return err
	})
}
