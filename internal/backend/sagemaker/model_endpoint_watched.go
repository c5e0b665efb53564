package sagemaker

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// endpointWatcher is a monitor that watches an endpoint, or none. Monitors are found
// by the tags of their topics, which AWS indexes a little late: what is found there
// has to be there still.
func (k modelEndpointKind) endpointWatcher(ctx context.Context, s endpointScene) (mlops.ID, error) {
	pages := resourcegroupstaggingapi.NewGetResourcesPaginator(s.c.tagging, &resourcegroupstaggingapi.GetResourcesInput{
		ResourceTypeFilters: []string{"sns"}, ResourcesPerPage: aws.Int32(listPage),
		TagFilters: []types.TagFilter{{Key: aws.String(tagEnvironment), Values: []string{s.place.spec.Name}}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, topic := range page.ResourceTagMappingList {
			id := monitorOf(topic.Tags, s.id)
			if id == "" {
				continue
			}
			_, err := monitorKind(k).Get(ctx, id)
			if err == nil || !k.is(err, mlops.NotFound) {
				return id, err
			}
		}
	}
	return "", nil
}

// monitorOf is the monitor whose topic has these tags, if it watches an endpoint.
func monitorOf(tags []types.Tag, endpoint mlops.ID) mlops.ID {
	read := map[string]string{}
	for _, t := range tags {
		read[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	r, err := recordOf(read)
	if err != nil {
		return ""
	}
	var spec mlops.MonitorSpec
	if _, err := r.ID.ParseAs(mlops.NounMonitor); err != nil || r.into(&spec) != nil || spec.Endpoint != endpoint {
		return ""
	}
	return r.ID
}
