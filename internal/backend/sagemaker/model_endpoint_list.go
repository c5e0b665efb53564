package sagemaker

import (
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
	found, err := modelEndpointKind{b}.endpointStates(ctx, environment)
	if err != nil {
		return nil, err
	}
	var out []endpointUse
	for _, state := range found {
		use := endpointUse{ID: state.record.ID}
		for _, f := range []*endpointForm{&state.asked, state.before, state.strange} {
			if f == nil {
				continue
			}
			for _, v := range f.Spec.Variants {
				use.Versions = append(use.Versions, v.Version)
			}
		}
		slices.Sort(use.Versions)
		use.Versions = slices.Compact(use.Versions)
		out = append(out, use)
	}
	return out, nil
}

// List returns the endpoints of an environment: 100 by each call, and those alone
// that the search shows late or on their way by calls of their own.
func (k modelEndpointKind) List(ctx context.Context, parent mlops.ID) ([]endpointSeen, error) {
	found, err := k.endpointStates(ctx, parent)
	if err != nil {
		return nil, err
	}
	out := []endpointSeen{}
	for _, state := range found {
		s, err := k.scene(ctx, state.record.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, state.observed(s))
	}
	return out, nil
}

// endpointStates looks at all endpoints of an environment.
func (k modelEndpointKind) endpointStates(ctx context.Context, environment mlops.ID) ([]endpointState, error) {
	if _, err := environment.ParseAs(mlops.NounEnvironment); err != nil {
		return nil, invalid(err)
	}
	c, err := k.in(ctx, environment)
	if err != nil {
		return nil, err
	}
	indexed, err := searchEndpoints(ctx, c, environment)
	if err != nil {
		return nil, err
	}
	listed, err := listEndpoints(ctx, c, environment)
	if err != nil {
		return nil, err
	}
	var out []endpointState
	for _, name := range slices.Sorted(maps.Keys(listed)) {
		state, ok := current(indexed[name], listed[name])
		if !ok {
			if state, ok, err = k.lookByName(ctx, c, environment, name); err != nil {
				return nil, err
			}
		}
		if ok {
			out = append(out, state)
		}
	}
	return out, nil
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

// searchEndpoints finds the endpoints of an environment by its tag, by native name.
func searchEndpoints(ctx context.Context, c *clients, environment mlops.ID) (map[string]endpointFacts, error) {
	pages := sagemaker.NewSearchPaginator(c.sagemaker, &sagemaker.SearchInput{
		Resource: types.ResourceTypeEndpoint, MaxResults: aws.Int32(listPage),
		SearchExpression: &types.SearchExpression{Filters: []types.Filter{
			{Name: aws.String("Tags." + tagEnvironment), Operator: types.OperatorEquals, Value: aws.String(environment.Name())},
		}},
	})
	out := map[string]endpointFacts{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Results {
			if e := r.Endpoint; e != nil {
				out[aws.ToString(e.EndpointName)] = endpointFacts{
					exists: true, config: aws.ToString(e.EndpointConfigName), status: e.EndpointStatus, failure: aws.ToString(e.FailureReason),
					variants: e.ProductionVariants, modified: aws.ToTime(e.LastModifiedTime), tags: tagMap(e.Tags),
				}
			}
		}
	}
	return out, nil
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
