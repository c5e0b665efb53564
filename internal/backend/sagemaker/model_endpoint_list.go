package sagemaker

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// endpointUse is an endpoint and the versions that it needs: those that are in
// force, and those that are asked for.
type endpointUse struct {
	ID       mlops.ID
	Versions []mlops.ID
}

// endpointsOf lists the endpoints of an environment, for whoever must not remove
// what they use.
func (b *backend) endpointsOf(ctx context.Context, environment mlops.ID) ([]endpointUse, error) {
	var out []endpointUse
	err := modelEndpointKind{b}.eachEndpoint(ctx, environment, func(state endpointState) error {
		out = append(out, state.use())
		return nil
	})
	slices.SortFunc(out, func(a, b endpointUse) int { return cmp.Compare(a.ID, b.ID) })
	return out, err
}

// use is which versions an endpoint needs.
func (s endpointState) use() endpointUse {
	use := endpointUse{ID: s.record.ID}
	for _, f := range []*endpointForm{&s.asked, s.before, s.strange} {
		if f == nil {
			continue
		}
		for _, v := range f.Spec.Variants {
			use.Versions = append(use.Versions, v.Version)
		}
	}
	slices.Sort(use.Versions)
	use.Versions = slices.Compact(use.Versions)
	return use
}

// List returns the endpoints of an environment: 100 by each call, and those alone
// that the search shows late or on their way by calls of their own.
func (k modelEndpointKind) List(ctx context.Context, parent mlops.ID) ([]endpointSeen, error) {
	out := []endpointSeen{}
	err := k.eachEndpoint(ctx, parent, func(state endpointState) error {
		s, err := k.scene(ctx, state.record.ID)
		if err == nil {
			out = append(out, state.observed(s))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b endpointSeen) int { return cmp.Compare(a.Ref, b.Ref) })
	return out, nil
}

// eachEndpoint looks at all endpoints of an environment, in no order. One is handed on
// as soon as it is known: the tags of a thousand are many megabytes.
func (k modelEndpointKind) eachEndpoint(ctx context.Context, environment mlops.ID, found func(endpointState) error) error {
	if _, err := environment.ParseAs(mlops.NounEnvironment); err != nil {
		return invalid(err)
	}
	c, err := k.in(ctx, environment)
	if err != nil {
		return err
	}
	left, err := listEndpoints(ctx, c, environment)
	if err != nil {
		return err
	}
	err = searchEndpoints(ctx, c, environment, func(name string, f endpointFacts) error {
		state, ok := current(f, left[name])
		if !ok {
			return nil
		}
		delete(left, name)
		return found(state)
	})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		state, ok, err := k.lookByName(ctx, c, environment, name)
		if err == nil && ok {
			err = found(state)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// current reads what the search says of an endpoint. It is not ok where that is
// older than the endpoint, or of an endpoint on its way: its tags tell what comes
// next, and have no date.
func current(f endpointFacts, modified time.Time) (endpointState, bool) {
	if !f.exists || !f.modified.Equal(modified) {
		return endpointState{}, false
	}
	state, err := readEndpoint(f)
	return state, err == nil && state.standing() != nil
}

// lookByName looks at an endpoint that may be of another environment, or of nobody
// we know.
func (k modelEndpointKind) lookByName(ctx context.Context, c *clients, environment mlops.ID, name string) (endpointState, bool, error) {
	account, err := c.account(ctx)
	if err != nil {
		return endpointState{}, false, err
	}
	s := scene{c: c, place: place{Account: account}, name: name, arn: c.arn("sagemaker", account, "endpoint/"+name)}
	tags, err := sagemakerTagsOf(ctx, c, s.arn)
	if k.is(err, mlops.NotFound) {
		return endpointState{}, false, nil
	}
	if err != nil {
		return endpointState{}, false, err
	}
	r, err := recordOf(tags)
	if err != nil || r.ID.Environment() != environment {
		return endpointState{}, false, nil //nolint:nilerr // not ours to list
	}
	s.id = r.ID
	state, err := k.look(ctx, s)
	if k.is(err, mlops.NotFound) {
		return state, false, nil
	}
	return state, err == nil, err
}

// searchEndpoints finds the endpoints of an environment by its tag, and hands each on
// with its native name.
func searchEndpoints(ctx context.Context, c *clients, environment mlops.ID, found func(name string, f endpointFacts) error) error {
	pages := sagemaker.NewSearchPaginator(c.sagemaker, &sagemaker.SearchInput{
		Resource: types.ResourceTypeEndpoint, MaxResults: aws.Int32(listPage),
		SearchExpression: &types.SearchExpression{Filters: []types.Filter{
			{Name: aws.String("Tags." + tagEnvironment), Operator: types.OperatorEquals, Value: aws.String(environment.Name())},
		}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, r := range page.Results {
			if r.Endpoint == nil {
				continue
			}
			if err := found(aws.ToString(r.Endpoint.EndpointName), factsOf(r.Endpoint)); err != nil {
				return err
			}
		}
	}
	return nil
}

// factsOf is what the search says of an endpoint.
func factsOf(e *types.Endpoint) endpointFacts {
	return endpointFacts{
		exists: true, config: aws.ToString(e.EndpointConfigName), status: e.EndpointStatus, failure: aws.ToString(e.FailureReason),
		variants: e.ProductionVariants, modified: aws.ToTime(e.LastModifiedTime), tags: tagMap(e.Tags),
	}
}

// listEndpoints lists when each endpoint was last changed whose name may be of an
// environment.
func listEndpoints(ctx context.Context, c *clients, environment mlops.ID) (map[string]time.Time, error) {
	begin := nameBegin(environment)
	pages := sagemaker.NewListEndpointsPaginator(c.sagemaker, &sagemaker.ListEndpointsInput{NameContains: &begin, MaxResults: aws.Int32(listPage)})
	out := map[string]time.Time{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Endpoints {
			if name := aws.ToString(e.EndpointName); strings.HasPrefix(name, begin) {
				out[name] = aws.ToTime(e.LastModifiedTime)
			}
		}
	}
	return out, nil
}

// nameBegin is what the native names of all that is in an environment begin with.
// Where the environment's name is long, those of another may do so too.
func nameBegin(environment mlops.ID) string {
	const room = maxName - 13 // before the mark at the end of a name that was too long
	begin := environment.Name() + separator
	if len(begin) < room {
		return begin
	}
	return strings.TrimRight(begin[:room], "-")
}
