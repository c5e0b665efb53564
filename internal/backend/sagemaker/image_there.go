package sagemaker

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// imageState is what is known of an image.
type imageState int

// The states. Of other accounts' registries, and of those that are not ECR's, nobody
// here can tell.
const (
	imageUntold imageState = iota
	imageThere
	imageMissing
)

// imagesSeen is what registries said of images, each asked once in the process's life: a
// plan of a thousand versions names few. Its zero value is ready.
type imagesSeen struct {
	turns verbs.Turns // by image
	mu    sync.Mutex
	seen  map[string]imageSeen
}

type imageSeen struct {
	state imageState
	err   error
}

// of answers for an image, by asking if need be. Who may not ask is not asked again.
func (i *imagesSeen) of(ctx context.Context, image string, ask func(context.Context) (imageState, error)) (imageState, error) {
	unlock, err := i.turns.Take(ctx, image)
	if err != nil {
		return imageUntold, err
	}
	defer unlock()
	i.mu.Lock()
	known, ok := i.seen[image]
	i.mu.Unlock()
	if ok {
		return known.state, known.err
	}
	known.state, known.err = ask(ctx)
	if ctx.Err() != nil {
		return imageUntold, ctx.Err()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.seen == nil {
		i.seen = map[string]imageSeen{}
	}
	i.seen[image] = known
	return known.state, known.err
}

// imageState asks the account's own registry whether it has an image.
func (b *backend) imageState(ctx context.Context, image string) (imageState, error) {
	m := registryImage.FindStringSubmatch(image)
	if m == nil {
		return imageUntold, nil
	}
	c, err := b.inRegion(ctx, m[2])
	if err != nil {
		return imageUntold, err
	}
	account, err := c.account(ctx)
	if err != nil || account != registryOf(image) {
		return imageUntold, err
	}
	return b.images.of(ctx, image, func(ctx context.Context) (imageState, error) {
		repository, tag, digest := imageParts(image)
		_, err := c.ecr.DescribeImages(ctx, &ecr.DescribeImagesInput{
			RegistryId: &account, RepositoryName: &repository, ImageIds: []types.ImageIdentifier{{ImageTag: optional(tag), ImageDigest: optional(digest)}},
		}, func(o *ecr.Options) { o.RetryMaxAttempts = quotaAttempts })
		switch {
		case b.is(err, mlops.NotFound):
			return imageMissing, nil
		case err != nil:
			return imageUntold, err
		}
		return imageThere, nil
	})
}

// registryOf is the account whose registry has an image.
func registryOf(image string) string { return image[:len("123456789012")] }

// imageParts tells a repository of ECR and what names one image in it: its digest, or
// else its tag.
func imageParts(image string) (repository, tag, digest string) {
	_, path, _ := strings.Cut(image, "/")
	if path, digest, ok := strings.Cut(path, "@"); ok {
		repository, _, _ = strings.Cut(path, ":")
		return repository, "", digest
	}
	repository, tag, ok := strings.Cut(path, ":")
	if !ok {
		tag = "latest"
	}
	return repository, tag, ""
}

// findImage is the command that finds an image.
func findImage(image, region string) string {
	repository, tag, digest := imageParts(image)
	one := "imageTag=" + tag
	if digest != "" {
		one = "imageDigest=" + digest
	}
	return "aws ecr describe-images --region " + region + " --registry-id " + registryOf(image) + " --repository-name " + repository + " --image-ids " + one
}

// copyImage is the command that copies an image to another region under its own name.
func copyImage(image, region string) string {
	if digest := strings.Index(image, "@"); digest > 0 { // a reference has one or the other
		repository, _, _ := imageParts(image)
		host, _, _ := strings.Cut(image, "/")
		image = host + "/" + repository + image[digest:]
	}
	return "skopeo copy --all --preserve-digests docker://" + image + " docker://" + imageIn(image, region)
}

// Forewarn tells of the image that a version will be served by, where it is not there;
// see mlops.Forewarner. It may be pushed by the same apply, so that nothing is refused.
func (k modelVersionKind) Forewarn(ctx context.Context, spec mlops.ModelVersionSpec, c *mlops.Checker) error {
	region, err := regionOf(spec.Model)
	m := registryImage.FindStringSubmatch(spec.Image)
	if err != nil || m == nil {
		return nil //nolint:nilerr // a model that is not known yet is in no region
	}
	if m[2] == region {
		return k.warnOfImage(ctx, c, mlops.At("image"), spec.Image, region, "an endpoint serves the version")
	}
	if spec.Promotion == nil {
		return nil // is refused
	}
	return k.warnOfCopy(ctx, c, spec.Image, region)
}

// warnOfCopy tells of a promoted version's image: another region has it only if ECR
// replicates it, or somebody copies it.
func (k modelVersionKind) warnOfCopy(ctx context.Context, c *mlops.Checker, image, region string) error {
	copied := imageIn(image, region)
	state, err := k.imageState(ctx, copied)
	const words = "The version is served by the image %[1]s, and in %[2]s by its copy, which "
	switch state {
	case imageThere:
	case imageMissing:
		c.Warn(mlops.At("image"), "No such image: "+copied, words+"is not there. Let ECR replicate the repository, which it does with what is pushed from then on, and copy what is there before an endpoint serves it:\n\n  %[3]s",
			image, region, copyImage(image, region))
	case imageUntold:
		c.Warn(mlops.At("image"), "Image of another region", words+"has to be there before an endpoint serves it: let ECR replicate the repository. It is there if this finds it:\n\n  %[3]s",
			image, region, findImage(copied, region))
	}
	return err
}

// warnOfImage tells of an image that the account's own registry does not have.
func (b *backend) warnOfImage(ctx context.Context, c *mlops.Checker, at mlops.Path, image, region, before string) error {
	state, err := b.imageState(ctx, image)
	if state == imageMissing {
		c.Warn(at, "No such image: "+image, "The registry of this account has no such image in %s: push it before %s, for SageMaker refuses it until then. It is there if this finds it:\n\n  %s",
			region, before, findImage(image, region))
	}
	return err
}

// checkStepImages tells of images of a pipeline's steps that are not there.
func (k pipelineKind) checkStepImages(ctx context.Context, c *mlops.Checker, spec mlops.PipelineSpec) error {
	region, err := regionOf(spec.Environment)
	if err != nil {
		return nil //nolint:nilerr // an environment that is not known yet is in no region
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Steps)) {
		image := spec.Steps[name].Image
		if m := registryImage.FindStringSubmatch(image); m == nil || m[2] != region {
			continue
		}
		if err := k.warnOfImage(ctx, c, mlops.At("steps", mlops.Key(name), "image"), image, region, "the pipeline runs"); err != nil {
			return err
		}
	}
	return nil
}
