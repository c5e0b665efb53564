package aws_test

import (
	"fmt"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// imageOnly is a specification without model data.
var imageOnly = &types.InferenceSpecification{
	Containers:                 []types.ModelPackageContainerDefinition{{Image: sdk.String("123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:1")}},
	SupportedContentTypes:      []string{"application/json"},
	SupportedResponseMIMETypes: []string{"application/json"},
}

func createGroup(t *testing.T, a account, name string, tags ...types.Tag) string {
	t.Helper()
	out := must[*sagemaker.CreateModelPackageGroupOutput](t)(a.CreateModelPackageGroup(t.Context(), &sagemaker.CreateModelPackageGroupInput{
		ModelPackageGroupName: &name, Tags: tags,
	}))
	return *out.ModelPackageGroupArn
}

func createVersion(t *testing.T, a account, group string) string {
	t.Helper()
	out := must[*sagemaker.CreateModelPackageOutput](t)(a.CreateModelPackage(t.Context(), &sagemaker.CreateModelPackageInput{
		ModelPackageGroupName: &group, InferenceSpecification: imageOnly,
	}))
	return *out.ModelPackageArn
}

func TestModelPackageLife(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{Looks: 1})
	group := createGroup(t, a, "dev--churn", types.Tag{Key: sdk.String("stage"), Value: sdk.String("dev")})
	one, two := createVersion(t, a, "dev--churn"), createVersion(t, a, group)
	if !strings.HasSuffix(one, ":model-package/dev--churn/1") || !strings.HasSuffix(two, "/2") {
		t.Errorf("got versions %s and %s", one, two)
	}
	describe := func() *sagemaker.DescribeModelPackageOutput {
		return must[*sagemaker.DescribeModelPackageOutput](t)(a.DescribeModelPackage(t.Context(), &sagemaker.DescribeModelPackageInput{ModelPackageName: &two}))
	}
	if got := describe(); got.ModelPackageStatus != types.ModelPackageStatusPending || got.ModelApprovalStatus != types.ModelApprovalStatusPendingManualApproval {
		t.Errorf("at first got %s, %s", got.ModelPackageStatus, got.ModelApprovalStatus)
	}
	got := describe()
	if got.ModelPackageStatus != types.ModelPackageStatusCompleted || *got.ModelPackageVersion != 2 {
		t.Errorf("got %s, version %d", got.ModelPackageStatus, *got.ModelPackageVersion)
	}
	if digest := got.InferenceSpecification.Containers[0].ImageDigest; digest == nil {
		t.Error("the service adds no digest of the image")
	}
	tags := must[*sagemaker.ListTagsOutput](t)(a.ListTags(t.Context(), &sagemaker.ListTagsInput{ResourceArn: &two}))
	if diff := cmp.Diff(map[string]string{"stage": "dev"}, tagMap(tags.Tags)); diff != "" {
		t.Error("a version shows its group's tags:", diff)
	}

	_, err := a.DeleteModelPackageGroup(t.Context(), &sagemaker.DeleteModelPackageGroupInput{ModelPackageGroupName: &group})
	wantFault(t, err, "ConflictException", "model packages")
	for _, arn := range []string{one, two} {
		must[*sagemaker.DeleteModelPackageOutput](t)(a.DeleteModelPackage(t.Context(), &sagemaker.DeleteModelPackageInput{ModelPackageName: &arn}))
	}
	_, err = a.DescribeModelPackage(t.Context(), &sagemaker.DescribeModelPackageInput{ModelPackageName: &two})
	wantFault(t, err, "ValidationException", "does not exist")
	if three := createVersion(t, a, group); !strings.HasSuffix(three, "/3") {
		t.Errorf("the number of a deleted version was given again: %s", three)
	}
}

func TestUpdateModelPackage(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	createGroup(t, a, "churn")
	arn := createVersion(t, a, "churn")
	update := func(in sagemaker.UpdateModelPackageInput) error {
		in.ModelPackageArn = &arn
		_, err := a.UpdateModelPackage(t.Context(), &in)
		return err
	}
	for _, in := range []sagemaker.UpdateModelPackageInput{
		{ModelApprovalStatus: types.ModelApprovalStatusApproved, ApprovalDescription: sdk.String("by ann")},
		{CustomerMetadataProperties: map[string]string{"a": "1", "b": "2"}},
		{CustomerMetadataProperties: map[string]string{"b": "3"}, CustomerMetadataPropertiesToRemove: []string{"a"}},
	} {
		if err := update(in); err != nil {
			t.Fatal(err)
		}
	}
	got := must[*sagemaker.DescribeModelPackageOutput](t)(a.DescribeModelPackage(t.Context(), &sagemaker.DescribeModelPackageInput{ModelPackageName: &arn}))
	if diff := cmp.Diff(map[string]string{"b": "3"}, got.CustomerMetadataProperties); diff != "" {
		t.Error(diff)
	}
	if got.ModelApprovalStatus != types.ModelApprovalStatusApproved || *got.ApprovalDescription != "by ann" {
		t.Errorf("got %s, %s", got.ModelApprovalStatus, *got.ApprovalDescription)
	}
	many := map[string]string{}
	for i := range 50 {
		many[fmt.Sprint("key-", i)] = "x"
	}
	wantFault(t, update(sagemaker.UpdateModelPackageInput{CustomerMetadataProperties: many}), "ValidationException", "at most 50")
}

func TestModelPackageRefusals(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	createGroup(t, a, "churn")
	tag := []types.Tag{{Key: sdk.String("a"), Value: sdk.String("b")}}
	tests := []struct {
		name, code, words string
		in                sagemaker.CreateModelPackageInput
	}{
		{"no name", "ValidationException", "Missing ARN", sagemaker.CreateModelPackageInput{InferenceSpecification: imageOnly}},
		{
			"both names", "ValidationException", "Cannot determine which one to use",
			sagemaker.CreateModelPackageInput{ModelPackageName: sdk.String("x"), ModelPackageGroupName: sdk.String("churn")},
		},
		{"unknown group", "ValidationException", "does not exist", sagemaker.CreateModelPackageInput{ModelPackageGroupName: sdk.String("other")}},
		{"tags of a version", "ValidationException", "uses the tags", sagemaker.CreateModelPackageInput{ModelPackageGroupName: sdk.String("churn"), Tags: tag}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := a.CreateModelPackage(t.Context(), &tt.in)
			wantFault(t, err, tt.code, tt.words)
		})
	}
	_, err := a.CreateModelPackageGroup(t.Context(), &sagemaker.CreateModelPackageGroupInput{ModelPackageGroupName: sdk.String("churn")})
	wantFault(t, err, "ValidationException", "already exists")
}

func TestModelPackageIdempotency(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	createGroup(t, a, "churn")
	in := &sagemaker.CreateModelPackageInput{ModelPackageGroupName: sdk.String("churn"), InferenceSpecification: imageOnly, ClientToken: sdk.String("token-1")}
	first := must[*sagemaker.CreateModelPackageOutput](t)(a.CreateModelPackage(t.Context(), in))
	again := must[*sagemaker.CreateModelPackageOutput](t)(a.CreateModelPackage(t.Context(), in))
	if *first.ModelPackageArn != *again.ModelPackageArn {
		t.Errorf("one token made %s and %s", *first.ModelPackageArn, *again.ModelPackageArn)
	}
}

func TestListModelPackages(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	createGroup(t, a, "churn")
	createGroup(t, a, "fraud")
	for range 23 {
		createVersion(t, a, "churn")
	}
	createVersion(t, a, "fraud")
	var versions []int32
	pages := sagemaker.NewListModelPackagesPaginator(a.Client, &sagemaker.ListModelPackagesInput{ModelPackageGroupName: sdk.String("churn")})
	for pages.HasMorePages() {
		page := must[*sagemaker.ListModelPackagesOutput](t)(pages.NextPage(t.Context()))
		if len(page.ModelPackageSummaryList) > 10 {
			t.Errorf("a page has %d", len(page.ModelPackageSummaryList))
		}
		for _, s := range page.ModelPackageSummaryList {
			versions = append(versions, *s.ModelPackageVersion)
		}
	}
	if len(versions) != 23 || versions[0] != 23 || versions[22] != 1 {
		t.Errorf("got versions %v, want 23 to 1", versions)
	}
	none := must[*sagemaker.ListModelPackagesOutput](t)(a.ListModelPackages(t.Context(), &sagemaker.ListModelPackagesInput{}))
	if len(none.ModelPackageSummaryList) != 0 {
		t.Error("without a group only packages without versions are listed")
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	arn := createGroup(t, a, "churn")
	version := createVersion(t, a, "churn")
	add := func(arn string, n int) error {
		var tags []types.Tag
		for i := range n {
			tags = append(tags, types.Tag{Key: sdk.String(fmt.Sprint("key-", i)), Value: sdk.String("x")})
		}
		_, err := a.AddTags(t.Context(), &sagemaker.AddTagsInput{ResourceArn: &arn, Tags: tags})
		return err
	}
	if err := add(arn, 50); err != nil {
		t.Fatal(err)
	}
	_, err := a.AddTags(t.Context(), &sagemaker.AddTagsInput{ResourceArn: &arn, Tags: []types.Tag{{Key: sdk.String("one"), Value: sdk.String("too many")}}})
	wantFault(t, err, "ValidationException", "Too many tags")
	_, err = a.AddTags(t.Context(), &sagemaker.AddTagsInput{ResourceArn: &arn, Tags: []types.Tag{{Key: sdk.String("aws:x"), Value: sdk.String("y")}}})
	wantFault(t, err, "ValidationException", "")
	wantFault(t, add(version, 1), "ValidationException", "not supported")
	wantFault(t, add(arn+"x", 1), "ValidationException", "does not exist")
	must[*sagemaker.DeleteTagsOutput](t)(a.DeleteTags(t.Context(), &sagemaker.DeleteTagsInput{ResourceArn: &arn, TagKeys: []string{"key-0", "never-there"}}))
	got := must[*sagemaker.ListTagsOutput](t)(a.ListTags(t.Context(), &sagemaker.ListTagsInput{ResourceArn: &arn}))
	if len(got.Tags) != 49 {
		t.Errorf("got %d tags, want 49", len(got.Tags))
	}
}
