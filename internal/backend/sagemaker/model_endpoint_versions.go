package sagemaker

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// admit refuses what can never be.
func (k modelEndpointKind) admit(ctx context.Context, spec mlops.ModelEndpointSpec) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := capabilities().Admit(name, mlops.NounModelEndpoint, spec.Name, spec); err != nil {
		return err
	}
	check := mlops.NewChecker()
	checkEndpoint(check, spec)
	checkCompleteEndpoint(ctx, check, spec)
	if err := check.Err(); err != nil {
		return err
	}
	p, err := k.place(ctx, spec.ID())
	if k.is(err, mlops.NotFound) {
		return &mlops.Error{Code: mlops.Invalid, Field: mlops.At("environment").String(), Err: err}
	}
	if err != nil {
		return err
	}
	checkServerlessPlace(check, p, spec)
	return check.Err()
}

// endpointVersions finds the versions of a spec, and refuses those that the
// environment must not serve. What it serves already may stay.
func (k modelEndpointKind) endpointVersions(ctx context.Context, s scene, old endpointState, spec mlops.ModelEndpointSpec) (map[string]endpointServed, error) {
	out := map[string]endpointServed{}
	check := mlops.NewChecker()
	for _, variant := range slices.Sorted(maps.Keys(spec.Variants)) {
		version, at := spec.Variants[variant].Version, mlops.At("variants", mlops.Key(variant), "version")
		if version.Environment() != spec.Environment {
			return nil, mlops.InvalidField(at.String(), "%q is of another environment", version)
		}
		seen, err := k.servedVersion(ctx, version)
		if k.is(err, mlops.NotFound) {
			return nil, &mlops.Error{Code: mlops.Invalid, Field: at.String(), Err: err}
		}
		if err != nil {
			return nil, err
		}
		if !old.serves(version) {
			mlops.CheckApproval(check, at, s.place.spec.Stage, version, seen.spec.Approval)
		}
		if len(seen.containers) != 1 {
			return nil, invalid(fmt.Errorf("the model package of %q does not say in which one container it is served", version))
		}
		out[variant] = endpointServed{digest: seen.facts.Digest, container: fromPackageContainer(seen.containers[0])}
	}
	return out, check.Err()
}

// serves reports whether a version is in force.
func (s endpointState) serves(version mlops.ID) bool {
	f := s.force()
	return f != nil && slices.ContainsFunc(slices.Collect(maps.Values(f.Spec.Variants)), func(v mlops.Variant) bool { return v.Version == version })
}

// servedVersion reads a version with the container that its package describes.
func (k modelEndpointKind) servedVersion(ctx context.Context, version mlops.ID) (packageSeen, error) {
	s, arn, err := modelVersionKind(k).packageScene(ctx, version)
	if err != nil {
		return packageSeen{}, err
	}
	return k.describePackage(ctx, s, arn)
}

// fromPackageContainer is a package's container as a model takes it.
func fromPackageContainer(in types.ModelPackageContainerDefinition) types.ContainerDefinition {
	out := types.ContainerDefinition{Image: in.Image, Environment: in.Environment}
	if in.ModelDataSource == nil || in.ModelDataSource.S3DataSource == nil {
		out.ModelDataUrl = in.ModelDataUrl
		return out
	}
	// Of what AWS adds (ETags among it), a model takes nothing.
	from := in.ModelDataSource.S3DataSource
	out.ModelDataSource = &types.ModelDataSource{S3DataSource: &types.S3ModelDataSource{
		S3Uri: from.S3Uri, S3DataType: from.S3DataType, CompressionType: from.CompressionType, ModelAccessConfig: from.ModelAccessConfig,
	}}
	return out
}
