package sagemaker

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// endpointWatcher is a monitor that watches an endpoint, or none. Monitors are known
// by their topics. Which there are is listed, since AWS's index of tags is a little
// late; what they watch stands in the index for all but the newest.
func (k modelEndpointKind) endpointWatcher(ctx context.Context, s endpointScene) (mlops.ID, error) {
	topics, err := monitorTopics(ctx, s)
	if err != nil || len(topics) == 0 {
		return "", err
	}
	indexed, err := indexedTopics(ctx, s)
	if err != nil {
		return "", err
	}
	for _, topic := range topics {
		tags, ok := indexed[topic]
		if !ok {
			tags, err = topicTags(ctx, s.c, topic)
		}
		if err != nil && !k.is(err, mlops.NotFound) {
			return "", err
		}
		if id := monitorOf(tags, s.id); id != "" {
			return id, nil
		}
	}
	return "", nil
}

// monitorTopics lists the topics whose names may be those of an environment's
// monitors.
func monitorTopics(ctx context.Context, s endpointScene) ([]string, error) {
	begin := s.c.arn("sns", s.account, "mlops-monitor-"+nameBegin(s.id.Environment()))
	var topics []string
	pages := sns.NewListTopicsPaginator(s.c.sns, &sns.ListTopicsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range page.Topics {
			if arn := aws.ToString(t.TopicArn); strings.HasPrefix(arn, begin) {
				topics = append(topics, arn)
			}
		}
	}
	return topics, nil
}

// indexedTopics are the tags of an environment's topics, by ARN, as far as AWS's
// index has them.
func indexedTopics(ctx context.Context, s endpointScene) (map[string]map[string]string, error) {
	pages := resourcegroupstaggingapi.NewGetResourcesPaginator(s.c.tagging, &resourcegroupstaggingapi.GetResourcesInput{
		ResourceTypeFilters: []string{"sns"}, ResourcesPerPage: aws.Int32(listPage),
		TagFilters: []tagging.TagFilter{{Key: aws.String(tagEnvironment), Values: []string{s.place.spec.Name}}},
	})
	out := map[string]map[string]string{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, topic := range page.ResourceTagMappingList {
			tags := map[string]string{}
			for _, t := range topic.Tags {
				tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
			}
			out[aws.ToString(topic.ResourceARN)] = tags
		}
	}
	return out, nil
}

// monitorOf is the monitor whose topic has these tags, if it watches an endpoint.
func monitorOf(tags map[string]string, endpoint mlops.ID) mlops.ID {
	r, err := recordOf(tags)
	if err != nil {
		return ""
	}
	var spec mlops.MonitorSpec
	if _, err := r.ID.ParseAs(mlops.NounMonitor); err != nil || r.into(&spec) != nil || spec.Endpoint != endpoint {
		return ""
	}
	return r.ID
}
