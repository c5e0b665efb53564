package sagemaker

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// putTopic makes a topic of this account, or brings its tags to what they should
// be; have are the tags that it has, nil for one that is not there.
func putTopic(ctx context.Context, c *clients, arn, name, key, account string, have, want map[string]string) error {
	if have == nil {
		attributes := map[string]string{}
		if key != "" {
			attributes["KmsMasterKeyId"] = key
		}
		if _, err := c.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: &name, Tags: snsTags(want), Attributes: attributes}); err != nil {
			return err
		}
	} else if err := restateTopic(ctx, c, arn, key, have, want); err != nil {
		return err
	}
	_, err := c.sns.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
		TopicArn: &arn, AttributeName: aws.String("Policy"), AttributeValue: aws.String(topicPolicy(arn, account).String()),
	})
	return err
}

// restateTopic brings a topic that is there to its key, none if it is empty, and its
// tags.
func restateTopic(ctx context.Context, c *clients, arn, key string, have, want map[string]string) error {
	if _, err := c.sns.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
		TopicArn: &arn, AttributeName: aws.String("KmsMasterKeyId"), AttributeValue: &key,
	}); err != nil {
		return err
	}
	return tagTopic(ctx, c, arn, have, want)
}

func tagTopic(ctx context.Context, c *clients, arn string, have, want map[string]string) error {
	t := tagger{
		write: func(ctx context.Context, tags map[string]string) error {
			_, err := c.sns.TagResource(ctx, &sns.TagResourceInput{ResourceArn: &arn, Tags: snsTags(tags)})
			return err
		},
		remove: func(ctx context.Context, keys []string) error { return untagTopic(ctx, c, arn, keys...) },
	}
	return t.retag(ctx, have, want)
}

// untagTopic removes tags.
func untagTopic(ctx context.Context, c *clients, arn string, keys ...string) error {
	_, err := c.sns.UntagResource(ctx, &sns.UntagResourceInput{ResourceArn: &arn, TagKeys: keys})
	return err
}

// topicTags reads a topic's tags. One that is not there is NotFound.
func topicTags(ctx context.Context, c *clients, arn string) (map[string]string, error) {
	out, err := c.sns.ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: &arn})
	if err != nil {
		return nil, err
	}
	tags := make(map[string]string, len(out.Tags))
	for _, t := range out.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags, nil
}

// subscribe makes e-mail addresses the subscribers of a topic. One that never
// confirmed cannot be removed; AWS drops it after three days.
func subscribe(ctx context.Context, c *clients, topic string, emails []string) error {
	have, err := subscribers(ctx, c, topic)
	if err != nil {
		return err
	}
	for _, e := range emails {
		if _, ok := have[e]; ok {
			continue
		}
		if _, err := c.sns.Subscribe(ctx, &sns.SubscribeInput{TopicArn: &topic, Protocol: aws.String("email"), Endpoint: &e}); err != nil {
			return err
		}
	}
	for _, e := range slices.Sorted(maps.Keys(have)) {
		subscription := have[e]
		if slices.Contains(emails, e) || subscription == "PendingConfirmation" {
			continue
		}
		if _, err := c.sns.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: &subscription}); err != nil {
			return err
		}
	}
	return nil
}

// subscribers are the ARNs of a topic's e-mail subscriptions by address.
func subscribers(ctx context.Context, c *clients, topic string) (map[string]string, error) {
	have := map[string]string{}
	pages := sns.NewListSubscriptionsByTopicPaginator(c.sns, &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, one := range page.Subscriptions {
			if aws.ToString(one.Protocol) == "email" {
				have[aws.ToString(one.Endpoint)] = aws.ToString(one.SubscriptionArn)
			}
		}
	}
	return have, nil
}

func snsTags(tags map[string]string) []types.Tag {
	out := make([]types.Tag, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return out
}
