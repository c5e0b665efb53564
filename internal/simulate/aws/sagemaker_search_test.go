package aws_test

import (
	"fmt"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// searchGroups finds model package groups by filters, in the order of their names.
func searchGroups(t *testing.T, a account, filters ...types.Filter) []string {
	t.Helper()
	in := &sagemaker.SearchInput{Resource: types.ResourceTypeModelPackageGroup, SortBy: sdk.String("ModelPackageGroupName"), SortOrder: types.SearchSortOrderAscending, MaxResults: sdk.Int32(100)}
	if len(filters) > 0 {
		in.SearchExpression = &types.SearchExpression{Filters: filters}
	}
	var names []string
	pages := sagemaker.NewSearchPaginator(a.Client, in)
	for pages.HasMorePages() {
		for _, r := range must[*sagemaker.SearchOutput](t)(pages.NextPage(t.Context())).Results {
			names = append(names, *r.ModelPackageGroup.ModelPackageGroupName)
		}
	}
	return names
}

func TestSearchFilters(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	for _, name := range []string{"dev--churn", "dev--fraud", "prod--churn"} {
		createGroup(t, a, name, types.Tag{Key: sdk.String("mlops:id"), Value: sdk.String(name + "/1")}, types.Tag{Key: sdk.String("only-" + name), Value: sdk.String("x")})
	}
	filter := func(name string, operator types.Operator, value ...string) types.Filter {
		f := types.Filter{Name: &name, Operator: operator}
		if len(value) > 0 {
			f.Value = &value[0]
		}
		return f
	}
	tests := []struct {
		name   string
		filter types.Filter
		want   []string
	}{
		{"tag equals", filter("Tags.mlops:id", types.OperatorEquals, "dev--churn/1"), []string{"dev--churn"}},
		{"tag contains", filter("Tags.mlops:id", types.OperatorContains, "churn"), []string{"dev--churn", "prod--churn"}},
		{"name contains", filter("ModelPackageGroupName", types.OperatorContains, "dev--"), []string{"dev--churn", "dev--fraud"}},
		{"tag exists", filter("Tags.only-prod--churn", types.OperatorExists), []string{"prod--churn"}},
		{"tag does not exist", filter("Tags.only-prod--churn", types.OperatorNotExists), []string{"dev--churn", "dev--fraud"}},
		{"in", filter("ModelPackageGroupName", types.OperatorIn, "dev--fraud,prod--churn"), []string{"dev--fraud", "prod--churn"}},
		{"created before", filter("CreationTime", types.OperatorLessThan, "2001-01-01T00:00:00Z"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, searchGroups(t, a, tt.filter)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSearchPages(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	for i := range 120 {
		createGroup(t, a, fmt.Sprintf("g-%03d", i))
	}
	a.server.ResetCalls()
	if got := searchGroups(t, a); len(got) != 120 || got[119] != "g-119" {
		t.Errorf("got %d groups", len(got))
	}
	if calls := a.server.Calls()["sagemaker.Search"]; calls != 2 {
		t.Errorf("took %d calls, want 2", calls)
	}
	_, err := a.Search(t.Context(), &sagemaker.SearchInput{Resource: types.ResourceTypeModelPackageGroup, NextToken: sdk.String("no token of ours")})
	wantFault(t, err, "ValidationException", "NextToken")
}

// TestSearchLags proves that searches are late by as many calls as configured, for
// what is new, what changed and what is gone.
func TestSearchLags(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{Lag: 2})
	arn := createGroup(t, a, "churn")
	tagged := types.Filter{Name: sdk.String("Tags.a"), Operator: types.OperatorExists}
	await := func(what string, want []string, filters ...types.Filter) {
		t.Helper()
		before := searchGroups(t, a, filters...)
		for range 1 {
			if diff := cmp.Diff(before, searchGroups(t, a, filters...)); diff != "" {
				t.Errorf("%s is seen too early: %s", what, diff)
			}
		}
		if diff := cmp.Diff(want, searchGroups(t, a, filters...)); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	await("a new group", []string{"churn"})
	must[*sagemaker.AddTagsOutput](t)(a.AddTags(t.Context(), &sagemaker.AddTagsInput{ResourceArn: &arn, Tags: []types.Tag{{Key: sdk.String("a"), Value: sdk.String("b")}}}))
	await("a new tag", []string{"churn"}, tagged)
	must[*sagemaker.DeleteModelPackageGroupOutput](t)(a.DeleteModelPackageGroup(t.Context(), &sagemaker.DeleteModelPackageGroupInput{ModelPackageGroupName: sdk.String("churn")}))
	await("the end of a group", nil)
}
