package sagemaker

import (
	"context"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// List returns the models of an environment.
func (k modelKind) List(ctx context.Context, parent mlops.ID) ([]mlops.Observed[mlops.ModelSpec, mlops.ModelStatus], error) {
	return listAll(ctx, k, parent)
}

// within lists the groups whose tags name the environment. A group's name tells
// that only where it is short.
func (k modelKind) within(ctx context.Context, c *clients, p place) ([]mlops.ID, error) {
	var groups []string
	pages := sagemaker.NewListModelPackageGroupsPaginator(c.sagemaker, &sagemaker.ListModelPackageGroupsInput{
		NameContains: aws.String(groupPrefix(p.spec.Name)), MaxResults: aws.Int32(pageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, g := range page.ModelPackageGroupSummaryList {
			groups = append(groups, aws.ToString(g.ModelPackageGroupArn))
		}
	}
	return k.idsAt(ctx, c, groups, p.Record.ID)
}

// groupPrefix is what the names of an environment's groups have in common: all of
// the environment's name, or what is left of it before the hash of a long one.
func groupPrefix(environment string) string {
	return strings.TrimRight(environment[:min(len(environment), maxName-1-len(shortHash("")))], "-")
}

// pageSize is the largest page of SageMaker's lists.
const pageSize = 100

// maxDescription is the longest description that SageMaker takes.
const maxDescription = 1024

// nativeDescription is a description as SageMaker takes it: without control
// characters, and cut. The record has it as it was written.
func nativeDescription(text string) *string {
	kept := []rune(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.L, unicode.M, unicode.Z, unicode.S, unicode.N, unicode.P) {
			return r
		}
		return ' '
	}, text))
	return optional(string(kept[:min(len(kept), maxDescription)]))
}
