package aws

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"time"
)

// ecrState is what the service keeps: repositories by region and name.
type ecrState struct{ repositories map[string]*ecrRepository }

type ecrRepository struct {
	name, arn, uri string
	created        time.Time
	images         map[string]*ecrImage // by digest
}

type ecrImage struct {
	digest string
	tags   []string
	size   int64
	pushed time.Time
}

// ecr returns the service's state, made at its first use.
func (w *World) ecr() *ecrState {
	if w.registry == nil {
		w.registry = &ecrState{repositories: map[string]*ecrRepository{}}
	}
	return w.registry
}

func (w *World) ecrHandlers() map[string]Handler {
	return map[string]Handler{"CreateRepository": w.ecrCreate, "PutImage": w.ecrPut, "DescribeImages": w.ecrDescribe}
}

// ecrRegistry refuses registries of other accounts, whose policies nobody knows.
func ecrRegistry(c *Call) error {
	if id := text(c.In, "registryId"); id != "" && id != c.Account {
		return fault("AccessDeniedException", "User is not authorized to perform: ecr:%s on resource: arn:%s:ecr:%s:%s:repository/%s",
			c.Operation, partitionOf(c.Region), c.Region, id, text(c.In, "repositoryName"))
	}
	return nil
}

func ecrKey(c *Call) string { return c.Region + " " + text(c.In, "repositoryName") }

// ecrRepositoryOf finds the repository of a call.
func (w *World) ecrRepositoryOf(c *Call) (*ecrRepository, error) {
	if err := ecrRegistry(c); err != nil {
		return nil, err
	}
	r, ok := w.ecr().repositories[ecrKey(c)]
	if !ok {
		return nil, fault("RepositoryNotFoundException", "The repository with name '%s' does not exist in the registry with id '%s'", text(c.In, "repositoryName"), c.Account)
	}
	return r, nil
}

func (w *World) ecrCreate(c *Call) (Params, error) {
	if err := ecrRegistry(c); err != nil {
		return nil, err
	}
	name := text(c.In, "repositoryName")
	if w.ecr().repositories[ecrKey(c)] != nil {
		return nil, fault("RepositoryAlreadyExistsException", "The repository with name '%s' already exists in the registry with id '%s'", name, c.Account)
	}
	r := &ecrRepository{
		name: name, arn: c.arn("ecr", "repository/"+name), created: c.Time, images: map[string]*ecrImage{},
		uri: c.Account + ".dkr.ecr." + c.Region + ".amazonaws.com/" + name,
	}
	w.ecr().repositories[ecrKey(c)] = r
	return Params{"repository": Params{
		"repositoryName": name, "repositoryArn": r.arn, "repositoryUri": r.uri, "registryId": c.Account, "createdAt": c.Time,
		"imageTagMutability": orElse(c.In, "imageTagMutability", "MUTABLE"),
	}}, nil
}

// ecrPut keeps a manifest, whose layers nobody looks for, and moves its tag to it.
func (w *World) ecrPut(c *Call) (Params, error) {
	r, err := w.ecrRepositoryOf(c)
	if err != nil {
		return nil, err
	}
	manifest, tag := text(c.In, "imageManifest"), text(c.In, "imageTag")
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(manifest)))
	if asked := text(c.In, "imageDigest"); asked != "" && asked != digest {
		return nil, fault("ImageDigestDoesNotMatchException", "The calculated digest does not match the digest '%s'", asked)
	}
	image := r.images[digest]
	switch {
	case image == nil:
		image = &ecrImage{digest: digest, size: int64(len(manifest)), pushed: c.Time}
		r.images[digest] = image
	case tag == "" || slices.Contains(image.tags, tag):
		return nil, fault("ImageAlreadyExistsException", "Image with digest '%s' and tag '%s' already exists in the repository with name '%s' in registry with id '%s'", digest, tag, r.name, c.Account)
	}
	if tag != "" {
		for _, other := range r.images {
			other.tags = slices.DeleteFunc(other.tags, func(t string) bool { return t == tag })
		}
		image.tags = append(image.tags, tag)
	}
	id := Params{"imageDigest": digest}
	if tag != "" {
		id["imageTag"] = tag
	}
	return Params{"image": Params{"registryId": c.Account, "repositoryName": r.name, "imageId": id, "imageManifest": manifest}}, nil
}

// ecrDescribe shows the images that are asked for, of which none may be missing, or all.
func (w *World) ecrDescribe(c *Call) (Params, error) {
	r, err := w.ecrRepositoryOf(c)
	if err != nil {
		return nil, err
	}
	found := slices.SortedFunc(maps.Values(r.images), func(a, b *ecrImage) int { return cmp.Compare(a.digest, b.digest) })
	if asked := structures(c.In, "imageIds"); len(asked) > 0 {
		if found, err = r.find(c, asked); err != nil {
			return nil, err
		}
	}
	details := []any{}
	for _, image := range found {
		d := Params{"registryId": c.Account, "repositoryName": r.name, "imageDigest": image.digest, "imageSizeInBytes": image.size, "imagePushedAt": image.pushed}
		if len(image.tags) > 0 {
			tags := []any{}
			for _, tag := range image.tags {
				tags = append(tags, tag)
			}
			d["imageTags"] = tags
		}
		details = append(details, d)
	}
	return Params{"imageDetails": details}, nil
}

// find looks images up by digest, by tag, or by both.
func (r *ecrRepository) find(c *Call, asked []Params) ([]*ecrImage, error) {
	var found []*ecrImage
	for _, id := range asked {
		digest, tag := text(id, "imageDigest"), text(id, "imageTag")
		before := len(found)
		for _, image := range r.images {
			if (digest == "" || image.digest == digest) && (tag == "" || slices.Contains(image.tags, tag)) && digest+tag != "" {
				found = append(found, image)
			}
		}
		if len(found) == before {
			return nil, fault("ImageNotFoundException", "The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the repository with name '%s' in the registry with id '%s'",
				cmp.Or(digest, "null"), cmp.Or(tag, "null"), r.name, c.Account)
		}
	}
	return found, nil
}
