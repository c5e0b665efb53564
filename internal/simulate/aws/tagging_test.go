package aws_test

import (
	"slices"
	"strconv"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// found lists the ARNs that a query of tags finds.
func found(t *testing.T, c *resourcegroupstaggingapi.Client, in resourcegroupstaggingapi.GetResourcesInput) []string {
	t.Helper()
	var arns []string
	pages := resourcegroupstaggingapi.NewGetResourcesPaginator(c, &in)
	for pages.HasMorePages() {
		for _, r := range must[*resourcegroupstaggingapi.GetResourcesOutput](t)(pages.NextPage(t.Context())).ResourceTagMappingList {
			arns = append(arns, *r.ResourceARN)
		}
	}
	slices.Sort(arns)
	return arns
}

func filter(key string, values ...string) types.TagFilter {
	return types.TagFilter{Key: &key, Values: values}
}

// What makeTagged makes.
const (
	topic     = "arn:aws:sns:us-east-1:123456789012:alerts"
	group     = "arn:aws:sagemaker:us-east-1:123456789012:model-package-group/churn"
	parameter = "arn:aws:ssm:us-east-1:123456789012:parameter/mlops/dev"
	data      = "arn:aws:s3:::data"
)

// makeTagged makes objects of four services with tags.
func makeTagged(t *testing.T, a account) *resourcegroupstaggingapi.Client {
	t.Helper()
	must[*sns.CreateTopicOutput](t)(sns.NewFromConfig(a.config).CreateTopic(t.Context(), &sns.CreateTopicInput{
		Name: sdk.String("alerts"), Tags: []snstypes.Tag{{Key: sdk.String("env"), Value: sdk.String("dev")}, {Key: sdk.String("noun"), Value: sdk.String("environment")}},
	}))
	must[*sagemaker.CreateModelPackageGroupOutput](t)(a.CreateModelPackageGroup(t.Context(), &sagemaker.CreateModelPackageGroupInput{
		ModelPackageGroupName: sdk.String("churn"), Tags: []smtypes.Tag{{Key: sdk.String("env"), Value: sdk.String("dev")}},
	}))
	must[*ssm.PutParameterOutput](t)(ssm.NewFromConfig(a.config).PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: sdk.String("/mlops/dev"), Value: sdk.String("{}"), Type: ssmtypes.ParameterTypeString, Tags: []ssmtypes.Tag{{Key: sdk.String("env"), Value: sdk.String("prod")}},
	}))
	must[*s3.PutBucketTaggingOutput](t)(a.storage().PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{
		Bucket: sdk.String("data"), Tagging: &s3types.Tagging{TagSet: []s3types.Tag{{Key: sdk.String("env"), Value: sdk.String("dev")}}},
	}))
	return resourcegroupstaggingapi.NewFromConfig(a.config)
}

func TestTaggedResources(t *testing.T) {
	t.Parallel()
	c := makeTagged(t, openAccount(t, aws.Config{}))
	cases := []struct {
		name string
		in   resourcegroupstaggingapi.GetResourcesInput
		want []string
	}{
		{"all", resourcegroupstaggingapi.GetResourcesInput{}, []string{data, group, topic, parameter}},
		{"in pages", resourcegroupstaggingapi.GetResourcesInput{ResourcesPerPage: sdk.Int32(1)}, []string{data, group, topic, parameter}},
		{"by value", resourcegroupstaggingapi.GetResourcesInput{TagFilters: []types.TagFilter{filter("env", "dev")}}, []string{data, group, topic}},
		{"by values", resourcegroupstaggingapi.GetResourcesInput{TagFilters: []types.TagFilter{filter("env", "dev", "prod")}}, []string{data, group, topic, parameter}},
		{"by two keys", resourcegroupstaggingapi.GetResourcesInput{TagFilters: []types.TagFilter{filter("env", "dev"), filter("noun")}}, []string{topic}},
		{"by service", resourcegroupstaggingapi.GetResourcesInput{ResourceTypeFilters: []string{"sagemaker", "ssm"}}, []string{group, parameter}},
		{"by type", resourcegroupstaggingapi.GetResourcesInput{ResourceTypeFilters: []string{"sagemaker:model-package-group", "s3:bucket", "sagemaker:endpoint"}}, []string{data, group}},
		{"by ARN", resourcegroupstaggingapi.GetResourcesInput{ResourceARNList: []string{topic, topic + "2"}}, []string{topic}},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, found(t, c, tt.in)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTagsFromOutside(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	c := makeTagged(t, a)
	out := must[*resourcegroupstaggingapi.TagResourcesOutput](t)(c.TagResources(t.Context(), &resourcegroupstaggingapi.TagResourcesInput{ResourceARNList: []string{group, data, topic + "2"}, Tags: map[string]string{"noun": "x"}}))
	if len(out.FailedResourcesMap) != 1 || out.FailedResourcesMap[topic+"2"].ErrorCode != types.ErrorCodeInvalidParameterException {
		t.Errorf("failed %+v", out.FailedResourcesMap)
	}
	must[*resourcegroupstaggingapi.UntagResourcesOutput](t)(c.UntagResources(t.Context(), &resourcegroupstaggingapi.UntagResourcesInput{ResourceARNList: []string{group}, TagKeys: []string{"env"}}))
	tags := must[*sagemaker.ListTagsOutput](t)(a.ListTags(t.Context(), &sagemaker.ListTagsInput{ResourceArn: sdk.String(group)}))
	if diff := cmp.Diff(map[string]string{"noun": "x"}, tagMap(tags.Tags)); diff != "" {
		t.Error(diff)
	}
	_, err := c.GetResources(t.Context(), &resourcegroupstaggingapi.GetResourcesInput{ResourceARNList: []string{topic}, ResourceTypeFilters: []string{"sns"}})
	wantFault(t, err, "InvalidParameterException", "")
}

// TestTagsLag sees changes only after as many queries as the world lags.
func TestTagsLag(t *testing.T) {
	t.Parallel()
	_, config := openServices(t, aws.Config{Lag: 2})
	c, topics := resourcegroupstaggingapi.NewFromConfig(config), sns.NewFromConfig(config)
	made := must[*sns.CreateTopicOutput](t)(topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: sdk.String("t"), Tags: []snstypes.Tag{{Key: sdk.String("a"), Value: sdk.String("1")}}})).TopicArn
	var seen []string
	look := func() {
		seen = append(seen, strconv.Itoa(len(found(t, c, resourcegroupstaggingapi.GetResourcesInput{TagFilters: []types.TagFilter{filter("a", "1")}}))))
	}
	for range 4 {
		look()
	}
	must[*sns.DeleteTopicOutput](t)(topics.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: made}))
	for range 4 {
		look()
	}
	if diff := cmp.Diff([]string{"0", "0", "1", "1", "1", "1", "0", "0"}, seen); diff != "" {
		t.Error(diff)
	}
}
