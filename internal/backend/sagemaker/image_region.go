package sagemaker

import (
	"regexp"

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

// imageIn is an image as a region has it: ECR replicates under the same account,
// name and digest.
func imageIn(image, region string) string {
	return registryImage.ReplaceAllString(image, "${1}"+region+"${3}")
}
