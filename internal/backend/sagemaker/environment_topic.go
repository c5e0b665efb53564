package sagemaker

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// putEnvironmentTopic makes the topic that the environment's alerts go to.
func (k environmentKind) putEnvironmentTopic(ctx context.Context, c *clients, p place, tags map[string]string) error {
	have, err := topicTags(ctx, c, p.Topic)
	if err != nil && !k.is(err, mlops.NotFound) {
		return err
	}
	if err == nil && have[tagID] != string(p.Record.ID) {
		return errForeign("the topic " + p.Topic)
	}
	return putTopic(ctx, c, p.Topic, topicName(p.Record.ID), p.Key, p.Account, have, tags)
}

// dropEnvironmentTopic removes the topic, if it is ours.
func (k environmentKind) dropEnvironmentTopic(ctx context.Context, c *clients, p place) error {
	topic := c.arn("sns", p.Account, topicName(p.Record.ID)) // the one in use may be another
	have, err := topicTags(ctx, c, topic)
	if err != nil || have[tagID] != string(p.Record.ID) {
		return err
	}
	_, err = c.sns.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: &topic})
	return err
}
