package aws

import "regexp"

// smRegistry is an image in a registry of ECR, with the region.
var smRegistry = regexp.MustCompile(`^\d{12}\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com`)

// smImageFault refuses a model's image of another region. The words are those that
// users report (aws/sagemaker-pytorch-inference-toolkit, pull request 7).
func smImageFault(region, image string) error {
	if m := smRegistry.FindStringSubmatch(image); m != nil && m[1] != region {
		return fault("ValidationException", "Region of %q does not match expected region of %s. Cross region ECR image pulls are not allowed.", image, region)
	}
	return nil
}

// smJobImageFault refuses a job's image of another region, in the words that users
// report of processing jobs (aws/amazon-sagemaker-examples, issue 2422).
func smJobImageFault(region string, in Params) error {
	image := text(structure(in, "AppSpecification"), "ImageUri") + text(structure(in, "AlgorithmSpecification"), "TrainingImage")
	if m := smRegistry.FindStringSubmatch(image); m != nil && m[1] != region {
		return fault("ValidationException", "Invalid region %s in image URI %s. Please provide an image URI in region %s.", m[1], image, region)
	}
	return nil
}
