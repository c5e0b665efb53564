package sagemaker

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// fewPackages is up to how many packages are described one by one: a search would
// cost a call as well, and be late.
const fewPackages = 3

// packages lists the versions of a model, oldest first. The list of packages is
// exact, but has no records; a search has them, late. Packages that the search
// does not show, or shows otherwise than the list or than this process wrote
// them, are described: of a thousand versions at rest, none.
func (k modelVersionKind) packages(ctx context.Context, s scene) ([]packageSeen, error) {
	listed, err := listPackages(ctx, s)
	if err != nil {
		return nil, err
	}
	found := map[string]nativePackage{}
	if len(listed) > fewPackages {
		if found, err = searchPackages(ctx, s); err != nil {
			return nil, err
		}
	}
	out := make([]packageSeen, 0, len(listed))
	for _, p := range listed {
		seen, err := k.packageOf(ctx, s, p, found)
		if k.is(err, mlops.NotFound) || errors.Is(err, errNoRecord) {
			continue // deleted meanwhile, or registered by something else
		}
		if err != nil {
			return nil, err
		}
		out = append(out, seen)
	}
	slices.SortFunc(out, func(a, b packageSeen) int { return cmp.Compare(a.version, b.version) })
	return out, nil
}

func (k modelVersionKind) packageOf(ctx context.Context, s scene, p types.ModelPackageSummary, found map[string]nativePackage) (packageSeen, error) {
	arn := aws.ToString(p.ModelPackageArn)
	f, ok := found[arn]
	if !ok || f.status != p.ModelPackageStatus || f.approval != p.ModelApprovalStatus || k.written.late(arn, f.properties) {
		return k.describePackage(ctx, s, arn)
	}
	return k.readPackage(ctx, s, f)
}

func listPackages(ctx context.Context, s scene) ([]types.ModelPackageSummary, error) {
	var out []types.ModelPackageSummary
	pages := sagemaker.NewListModelPackagesPaginator(s.c.sagemaker, &sagemaker.ListModelPackagesInput{
		ModelPackageGroupName: &s.name, MaxResults: aws.Int32(pageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, page.ModelPackageSummaryList...)
	}
	return out, nil
}

func searchPackages(ctx context.Context, s scene) (map[string]nativePackage, error) {
	out := map[string]nativePackage{}
	pages := sagemaker.NewSearchPaginator(s.c.sagemaker, &sagemaker.SearchInput{
		Resource: types.ResourceTypeModelPackage, MaxResults: aws.Int32(pageSize),
		SearchExpression: &types.SearchExpression{Filters: []types.Filter{{
			Name: aws.String("ModelPackageGroupName"), Operator: types.OperatorEquals, Value: &s.name,
		}}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Results {
			if r.ModelPackage != nil {
				out[aws.ToString(r.ModelPackage.ModelPackageArn)] = packageFound(*r.ModelPackage)
			}
		}
	}
	return out, nil
}

// List returns the versions of a model.
func (k modelVersionKind) List(ctx context.Context, parent mlops.ID) ([]mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus], error) {
	s, err := modelKind(k).scene(ctx, parent)
	var all []packageSeen
	if err == nil {
		all, err = k.packages(ctx, s)
	}
	if err != nil && !k.is(err, mlops.NotFound) { // nothing is in what is not there
		return nil, err
	}
	out := make([]mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus], 0, len(all))
	for _, v := range all {
		out = append(out, v.observed())
	}
	return out, nil
}

// servedVersions maps the versions of a model that endpoints refer to, to one of
// those endpoints.
func (b *backend) servedVersions(ctx context.Context, model mlops.ID) (map[mlops.ID]mlops.ID, error) {
	endpoints, err := b.endpointsOf(ctx, model.Environment())
	if err != nil {
		return nil, err
	}
	served := map[mlops.ID]mlops.ID{}
	for _, e := range endpoints {
		for _, v := range e.Versions {
			served[v] = e.ID
		}
	}
	return served, nil
}
