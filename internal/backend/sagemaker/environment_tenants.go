package sagemaker

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// tenant names something that is in an environment, or nothing. What SageMaker
// can list is listed; for the rest the index of tags is asked, which may lag
// behind either way: what it tells of is looked for.
func (k environmentKind) tenant(ctx context.Context, c *clients, p place) (mlops.ID, error) {
	id := p.Record.ID
	for _, first := range []func() (mlops.ID, error){
		func() (mlops.ID, error) { return firstOf(ctx, k.ModelEndpoints(), id) },
		func() (mlops.ID, error) { return firstOf(ctx, k.Models(), id) },
		func() (mlops.ID, error) { return firstOf(ctx, k.Pipelines(), id) },
		func() (mlops.ID, error) { return k.firstDataset(ctx, c, p) },
		func() (mlops.ID, error) { return k.firstTagged(ctx, c, p) },
	} {
		if found, err := first(); found != "" || err != nil {
			return found, err
		}
	}
	return "", nil
}

// firstOf is the first of the objects that a kind lists under an environment.
func firstOf[Spec, Status any](ctx context.Context, k mlops.Kind[Spec, Status], environment mlops.ID) (mlops.ID, error) {
	lister, ok := k.(mlops.Lister[Spec, Status])
	if !ok {
		return "", nil
	}
	all, err := lister.List(ctx, environment)
	if err != nil || len(all) == 0 {
		return "", err
	}
	return all[0].Ref, nil
}

// firstDataset looks for a dataset's folder, without reading what is in it.
func (k environmentKind) firstDataset(ctx context.Context, c *clients, p place) (mlops.ID, error) {
	prefix := p.key("datasets/")
	out, err := c.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &p.Bucket, Prefix: &prefix, Delimiter: aws.String("/"), MaxKeys: aws.Int32(1)})
	if k.is(err, mlops.NotFound) {
		return "", nil
	}
	if err != nil || len(out.CommonPrefixes) == 0 {
		return "", err
	}
	folder := strings.TrimPrefix(aws.ToString(out.CommonPrefixes[0].Prefix), prefix)
	return p.Record.ID.Child(mlops.NounDataset, strings.TrimSuffix(folder, "/")), nil
}

// firstTagged is the first object of those with the environment's tag that is
// really there.
func (k environmentKind) firstTagged(ctx context.Context, c *clients, p place) (mlops.ID, error) {
	seen := map[mlops.ID]bool{p.Record.ID: true}
	pages := resourcegroupstaggingapi.NewGetResourcesPaginator(c.tagging, &resourcegroupstaggingapi.GetResourcesInput{
		TagFilters: []types.TagFilter{{Key: aws.String(tagEnvironment), Values: []string{p.spec.Name}}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, r := range page.ResourceTagMappingList {
			id := idIn(r.Tags)
			if seen[id] || id.Environment() != p.Record.ID {
				continue
			}
			seen[id] = true
			switch err := k.look(ctx, id); {
			case err == nil:
				return id, nil
			case !k.is(err, mlops.NotFound):
				return "", err
			}
		}
	}
	return "", nil
}

// idIn is the ID in an object's tags.
func idIn(tags []types.Tag) mlops.ID {
	for _, t := range tags {
		if aws.ToString(t.Key) == tagID {
			return mlops.ID(aws.ToString(t.Value))
		}
	}
	return ""
}

// look looks for an object of any noun that an environment may hold by itself.
// What is of another is NotFound.
func (k environmentKind) look(ctx context.Context, id mlops.ID) (err error) {
	parts, err := id.Parse()
	if err != nil {
		return mlops.NewError(mlops.NotFound, err) // somebody else's tag
	}
	switch parts.Noun {
	case mlops.NounExperiment:
		_, err = k.Experiments().Get(ctx, id)
	case mlops.NounPipeline:
		_, err = k.Pipelines().Get(ctx, id)
	case mlops.NounModel:
		_, err = k.Models().Get(ctx, id)
	case mlops.NounModelEndpoint:
		_, err = k.ModelEndpoints().Get(ctx, id)
	case mlops.NounMonitor:
		_, err = k.Monitors().Get(ctx, id)
	default:
		err = mlops.NewError(mlops.NotFound, errNoRecord)
	}
	return err
}

// folders are where the provider puts things in a bucket.
func folders() []string {
	return []string{"captures/", "code/", "datasets/", "experiments/", "models/", "monitors/", "pipelines/", "runs/"}
}

// foreignObject names an object that the provider did not put into a bucket of its
// own, in whatever version, or nothing.
func (k environmentKind) foreignObject(ctx context.Context, c *clients, p place) (string, error) {
	out, err := c.s3.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &p.Bucket, Delimiter: aws.String("/")})
	if k.is(err, mlops.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var names []*string
	for _, v := range out.Versions {
		names = append(names, v.Key)
	}
	for _, m := range out.DeleteMarkers {
		names = append(names, m.Key)
	}
	for _, prefix := range out.CommonPrefixes {
		if !slices.Contains(folders(), aws.ToString(prefix.Prefix)) {
			names = append(names, prefix.Prefix)
		}
	}
	if len(names) == 0 {
		return "", nil
	}
	return "s3://" + p.Bucket + "/" + aws.ToString(names[0]), nil
}
