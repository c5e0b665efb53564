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

// List returns the monitors of an environment.
func (k monitorKind) List(ctx context.Context, parent mlops.ID) ([]mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus], error) {
	return listAll(ctx, k, parent)
}

// within lists the monitors whose topics name the environment.
func (k monitorKind) within(ctx context.Context, c *clients, p place) ([]mlops.ID, error) {
	topics, err := k.monitorTags(ctx, c, p)
	if err != nil {
		return nil, err
	}
	var ids []mlops.ID
	for _, tags := range topics {
		r, err := recordOf(tags)
		if _, other := r.ID.ParseAs(mlops.NounMonitor); err == nil && other == nil && r.ID.Parent() == p.Record.ID {
			ids = append(ids, r.ID)
		}
	}
	return ids, nil
}

// monitorTags are the tags of the topics that may be those of an environment's
// monitors. Which topics there are is listed, since AWS's index of tags is a little
// late; what they carry stands in the index for all but the newest.
func (b *backend) monitorTags(ctx context.Context, c *clients, p place) ([]map[string]string, error) {
	topics, err := monitorTopics(ctx, c, p)
	if err != nil || len(topics) == 0 {
		return nil, err
	}
	indexed, err := indexedTopics(ctx, c, p)
	if err != nil {
		return nil, err
	}
	var all []map[string]string
	for _, topic := range topics {
		tags, ok := indexed[topic]
		if !ok {
			tags, err = topicTags(ctx, c, topic)
		}
		if err != nil && !b.is(err, mlops.NotFound) {
			return nil, err
		}
		all = append(all, tags)
	}
	return all, nil
}

// monitorTopics lists the topics whose names may be those of an environment's
// monitors.
func monitorTopics(ctx context.Context, c *clients, p place) ([]string, error) {
	begin := c.arn("sns", p.Account, "mlops-monitor-"+nameBegin(p.Record.ID))
	var topics []string
	pages := sns.NewListTopicsPaginator(c.sns, &sns.ListTopicsInput{})
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
func indexedTopics(ctx context.Context, c *clients, p place) (map[string]map[string]string, error) {
	pages := resourcegroupstaggingapi.NewGetResourcesPaginator(c.tagging, &resourcegroupstaggingapi.GetResourcesInput{
		ResourceTypeFilters: []string{"sns"}, ResourcesPerPage: aws.Int32(listPage),
		TagFilters: []tagging.TagFilter{{Key: aws.String(tagEnvironment), Values: []string{p.spec.Name}}},
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
