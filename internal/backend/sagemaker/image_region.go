package sagemaker

import (
	"context"
	"regexp"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// registryImage is an image in a registry of ECR; the second part is its region.
var registryImage = regexp.MustCompile(`^(\d{12}\.dkr\.ecr(?:-fips)?\.)([a-z0-9-]+)(\.amazonaws\.com(?:\.cn)?/)`)

// checkImageRegion refuses an image of another region: SageMaker pulls none.
func checkImageRegion(c *mlops.Checker, at mlops.Path, image, region string) {
	m := registryImage.FindStringSubmatch(image)
	if m == nil || region == "" || m[2] == region {
		return
	}
	c.Add(at, "Image of another region", "SageMaker pulls images of its own region only: this one is in %s, and the environment in %s. Let ECR replicate the image, and name the copy, %s.", m[2], region, imageIn(image, region))
}

// checkVersionImage refuses a version's image of another region, but for a promoted
// version: its image was given where it comes from, and is taken from here.
func checkVersionImage(c *mlops.Checker, spec mlops.ModelVersionSpec) {
	if region, err := regionOf(spec.Model); err == nil && spec.Promotion == nil {
		checkImageRegion(c, mlops.At("image"), spec.Image, region)
	}
}

// Forewarn tells of the image that a promoted version will be served by: another
// region has it only if ECR replicates it; see mlops.Forewarner.
func (k modelVersionKind) Forewarn(_ context.Context, spec mlops.ModelVersionSpec, c *mlops.Checker) error {
	region, err := regionOf(spec.Model)
	m := registryImage.FindStringSubmatch(spec.Image)
	if err != nil || m == nil || spec.Promotion == nil || m[2] == region {
		return nil //nolint:nilerr // a model that is not known yet is in no region
	}
	copied := imageIn(spec.Image, region)
	repository, image := repositoryOf(copied)
	c.Warn(mlops.At("image"), "Image of another region", "The version is served by the image %s, and in %s by its copy, which has to be there before an endpoint serves it: let ECR replicate the repository. It is there if this finds it:\n\n"+
		"  aws ecr describe-images --region %s --registry-id %s --repository-name %s --image-ids %s", spec.Image, region, region, spec.Image[:len("123456789012")], repository, image)
	return nil
}

// repositoryOf tells a repository of ECR, and one image in it as its own tools name
// it.
func repositoryOf(image string) (repository, one string) {
	_, path, _ := strings.Cut(image, "/")
	if repository, digest, ok := strings.Cut(path, "@"); ok {
		name, _, _ := strings.Cut(repository, ":")
		return name, "imageDigest=" + digest
	}
	repository, tag, ok := strings.Cut(path, ":")
	if !ok {
		tag = "latest"
	}
	return repository, "imageTag=" + tag
}

// imageIn is an image as a region has it: ECR replicates under the same account,
// name and digest.
func imageIn(image, region string) string {
	return registryImage.ReplaceAllString(image, "${1}"+region+"${3}")
}
