package aws_test

import (
	"encoding/json"
	"fmt"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

func TestTopicLife(t *testing.T) {
	t.Parallel()
	_, config := openServices(t, aws.Config{})
	c := sns.NewFromConfig(config)
	in := &sns.CreateTopicInput{Name: sdk.String("alerts"), Attributes: map[string]string{"DisplayName": "Alerts"}, Tags: []types.Tag{{Key: sdk.String("a"), Value: sdk.String("1")}}}
	topic := must[*sns.CreateTopicOutput](t)(c.CreateTopic(t.Context(), in)).TopicArn
	if again := must[*sns.CreateTopicOutput](t)(c.CreateTopic(t.Context(), in)); *again.TopicArn != *topic || *topic != "arn:aws:sns:us-east-1:123456789012:alerts" {
		t.Errorf("made %s, then %s", *topic, *again.TopicArn)
	}
	in.Tags[0].Value = sdk.String("2")
	_, err := c.CreateTopic(t.Context(), in)
	wantFault(t, err, "InvalidParameter", "already exists with different tags")
	in.Tags, in.Attributes = nil, map[string]string{"DisplayName": "Other"}
	_, err = c.CreateTopic(t.Context(), in)
	wantFault(t, err, "InvalidParameter", "already exists with different attributes")

	set := func(key, value string) error {
		_, err := c.SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{TopicArn: topic, AttributeName: &key, AttributeValue: &value})
		return err
	}
	if err := set("KmsMasterKeyId", "alias/aws/sns"); err != nil {
		t.Fatal(err)
	}
	wantFault(t, set("Colour", "red"), "InvalidParameter", "AttributeName")
	wantFault(t, set("Policy", "{"), "InvalidParameter", "Policy")
	got := must[*sns.GetTopicAttributesOutput](t)(c.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: topic})).Attributes
	if got["DisplayName"] != "Alerts" || got["KmsMasterKeyId"] != "alias/aws/sns" || got["Owner"] != "123456789012" || !json.Valid([]byte(got["Policy"])) || !json.Valid([]byte(got["EffectiveDeliveryPolicy"])) {
		t.Errorf("attributes are %v", got)
	}
	must[*sns.TagResourceOutput](t)(c.TagResource(t.Context(), &sns.TagResourceInput{ResourceArn: topic, Tags: []types.Tag{{Key: sdk.String("b"), Value: sdk.String("2")}}}))
	must[*sns.UntagResourceOutput](t)(c.UntagResource(t.Context(), &sns.UntagResourceInput{ResourceArn: topic, TagKeys: []string{"a"}}))
	if tags := must[*sns.ListTagsForResourceOutput](t)(c.ListTagsForResource(t.Context(), &sns.ListTagsForResourceInput{ResourceArn: topic})).Tags; len(tags) != 1 || *tags[0].Key != "b" {
		t.Errorf("tags are %+v", tags)
	}
	for range 2 {
		must[*sns.DeleteTopicOutput](t)(c.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: topic}))
	}
	_, err = c.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: topic})
	wantFault(t, err, "NotFound", "Topic does not exist")
	_, err = c.ListTagsForResource(t.Context(), &sns.ListTagsForResourceInput{ResourceArn: topic})
	wantFault(t, err, "ResourceNotFound", "")
}

func TestSubscriptionLife(t *testing.T) {
	t.Parallel()
	server, config := openServices(t, aws.Config{})
	c := sns.NewFromConfig(config)
	topic := must[*sns.CreateTopicOutput](t)(c.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: sdk.String("alerts")})).TopicArn
	subscribe := func(protocol, endpoint string, arn bool) (string, error) {
		out, err := c.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: topic, Protocol: &protocol, Endpoint: &endpoint, ReturnSubscriptionArn: arn})
		if err != nil {
			return "", err
		}
		return *out.SubscriptionArn, nil
	}
	list := func() (all []types.Subscription) {
		pages := sns.NewListSubscriptionsByTopicPaginator(c, &sns.ListSubscriptionsByTopicInput{TopicArn: topic})
		for pages.HasMorePages() {
			all = append(all, must[*sns.ListSubscriptionsByTopicOutput](t)(pages.NextPage(t.Context())).Subscriptions...)
		}
		return all
	}
	if got := must[string](t)(subscribe("email", "on-call@example.com", false)); got != "pending confirmation" {
		t.Errorf("got %s", got)
	}
	arn := must[string](t)(subscribe("email", "on-call@example.com", true)) // the same again
	if all := list(); len(all) != 1 || *all[0].SubscriptionArn != "PendingConfirmation" || *all[0].Endpoint != "on-call@example.com" {
		t.Errorf("subscriptions are %+v", all)
	}
	unsubscribe := func(arn string) error {
		_, err := c.Unsubscribe(t.Context(), &sns.UnsubscribeInput{SubscriptionArn: &arn})
		return err
	}
	wantFault(t, unsubscribe("PendingConfirmation"), "InvalidParameter", "at least 6 elements")
	wantFault(t, unsubscribe(arn), "InvalidParameter", "pending confirmation")
	if n := server.World.ConfirmSubscriptions(*topic); n != 1 {
		t.Errorf("confirmed %d", n)
	}
	if all := list(); *all[0].SubscriptionArn != arn {
		t.Errorf("subscriptions are %+v", all)
	}
	attributes := must[*sns.GetSubscriptionAttributesOutput](t)(c.GetSubscriptionAttributes(t.Context(), &sns.GetSubscriptionAttributesInput{SubscriptionArn: &arn})).Attributes
	if attributes["PendingConfirmation"] != "false" || attributes["Protocol"] != "email" {
		t.Errorf("attributes are %v", attributes)
	}
	for range 2 {
		if err := unsubscribe(arn); err != nil {
			t.Fatal(err)
		}
	}
	for protocol, endpoint := range map[string]string{"email": "nobody", "https": "http://example.com", "pigeon": "coo", "lambda": "f"} {
		_, err := subscribe(protocol, endpoint, false)
		wantFault(t, err, "InvalidParameter", "")
	}
	for i := range 120 {
		must[string](t)(subscribe("email", fmt.Sprintf("p%d@example.com", i), false))
	}
	if all := list(); len(all) != 120 {
		t.Errorf("listed %d", len(all))
	}
}
