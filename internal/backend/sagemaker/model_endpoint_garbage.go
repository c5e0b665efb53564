package sagemaker

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// dropEndpoint removes what can go while the endpoint is there, and begins its
// deletion.
func (k modelEndpointKind) dropEndpoint(ctx context.Context, s scene, state endpointState) error {
	if !state.exists { // about to be made again
		return k.sweepEndpoint(ctx, s)
	}
	if err := k.applyScaling(ctx, s, state, mlops.ModelEndpointSpec{}); err != nil {
		return err
	}
	if err := k.dropEndpointAlarms(ctx, s, nil); err != nil {
		return err
	}
	configs, err := k.endpointConfigs(ctx, s)
	if err != nil {
		return err
	}
	sweep := map[string]string{tagEndpointNext: nextSweep}
	for _, name := range configs {
		if err := k.retag(ctx, s, "endpoint-config/"+name, sweep, nil); err != nil && !k.is(err, mlops.NotFound) {
			return err
		}
	}
	_, err = s.c.sagemaker.DeleteEndpoint(ctx, &sagemaker.DeleteEndpointInput{EndpointName: &s.name})
	return k.alreadyLeaving(ctx, s, err)
}

// alreadyLeaving passes over the error of a deletion that another call began.
func (k modelEndpointKind) alreadyLeaving(ctx context.Context, s scene, err error) error {
	switch {
	case k.is(err, mlops.NotFound):
		return nil
	case k.is(err, mlops.Conflict):
		out, describeErr := s.c.sagemaker.DescribeEndpoint(ctx, &sagemaker.DescribeEndpointInput{EndpointName: &s.name})
		if k.is(describeErr, mlops.NotFound) || describeErr == nil && out.EndpointStatus == types.EndpointStatusDeleting {
			return nil
		}
	}
	return err
}

// sweepEndpoint removes what an endpoint that is gone has left. The configurations
// go last: they say that there is something left.
func (k modelEndpointKind) sweepEndpoint(ctx context.Context, s scene) error {
	if err := k.dropEndpointAlarms(ctx, s, nil); err != nil {
		return err
	}
	models, err := k.endpointModels(ctx, s)
	if err != nil {
		return err
	}
	if err := k.dropEndpointModels(ctx, s, models, nil); err != nil {
		return err
	}
	configs, err := k.endpointConfigs(ctx, s)
	if err != nil {
		return err
	}
	return k.dropEndpointConfigs(ctx, s, configs)
}

// dropEndpointParts removes the configurations but the one that is in force, and
// the models that it does not name. An endpoint that has one model needs it.
func (k modelEndpointKind) dropEndpointParts(ctx context.Context, s scene, state endpointState, keep string) error {
	var surplus []string
	if !state.first {
		configs, err := k.endpointConfigs(ctx, s)
		if err != nil {
			return err
		}
		surplus = slices.DeleteFunc(configs, func(name string) bool { return name == keep })
	}
	models, err := k.endpointModels(ctx, s)
	if err != nil || len(surplus) == 0 && len(models) <= 1 {
		return err
	}
	kept := map[string]bool{}
	out, err := s.c.sagemaker.DescribeEndpointConfig(ctx, &sagemaker.DescribeEndpointConfigInput{EndpointConfigName: &keep})
	if err != nil {
		return err
	}
	for _, v := range slices.Concat(out.ProductionVariants, out.ShadowProductionVariants) {
		kept[aws.ToString(v.ModelName)] = true
	}
	if err := k.dropEndpointConfigs(ctx, s, surplus); err != nil {
		return err
	}
	return k.dropEndpointModels(ctx, s, models, kept)
}

func (k modelEndpointKind) dropEndpointConfigs(ctx context.Context, s scene, names []string) error {
	for _, name := range names {
		if _, err := s.c.sagemaker.DeleteEndpointConfig(ctx, &sagemaker.DeleteEndpointConfigInput{EndpointConfigName: &name}); err != nil && !k.is(err, mlops.NotFound) {
			return err
		}
	}
	return nil
}

func (k modelEndpointKind) dropEndpointModels(ctx context.Context, s scene, names []string, kept map[string]bool) error {
	for _, name := range names {
		if kept[name] {
			continue
		}
		if _, err := s.c.sagemaker.DeleteModel(ctx, &sagemaker.DeleteModelInput{ModelName: &name}); err != nil && !k.is(err, mlops.NotFound) {
			return err
		}
	}
	return nil
}

// contentMark is how the name of an immutable part ends.
var contentMark = regexp.MustCompile(`^[0-9a-f]{12}$`)

// endpointConfigs lists the configurations that were made for an endpoint, in force
// or not.
func (k modelEndpointKind) endpointConfigs(ctx context.Context, s scene) ([]string, error) {
	prefix := endpointPrefix(s.id)
	var names []string
	pages := sagemaker.NewListEndpointConfigsPaginator(s.c.sagemaker, &sagemaker.ListEndpointConfigsInput{NameContains: &prefix, MaxResults: aws.Int32(listPage)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, c := range page.EndpointConfigs {
			name := aws.ToString(c.EndpointConfigName)
			if rest, ok := strings.CutPrefix(name, prefix); ok && contentMark.MatchString(rest) {
				names = append(names, name)
			}
		}
	}
	return names, nil
}

// endpointModels lists the models that were made for an endpoint.
func (k modelEndpointKind) endpointModels(ctx context.Context, s scene) ([]string, error) {
	prefix := endpointModelPrefix(s.id)
	var names []string
	pages := sagemaker.NewListModelsPaginator(s.c.sagemaker, &sagemaker.ListModelsInput{NameContains: &prefix, MaxResults: aws.Int32(listPage)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range page.Models {
			if name := aws.ToString(m.ModelName); strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
	}
	return names, nil
}

// listPage is the largest page of SageMaker's lists.
const listPage = 100
