package sagemaker

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// scaling is between which numbers of instances a variant is, and for how many
// requests in flight one instance is meant.
type scaling struct{ least, most, concurrency int64 }

// endpointScale is the scaling of a variant. Nobody counts instances of a serverless
// one.
func endpointScale(v mlops.Variant) scaling {
	if isServerless(v) {
		return scaling{}
	}
	low, high, concurrency := v.Scaling.Bounds()
	return scaling{low, high, concurrency}
}

// auto reports whether the number is the autoscaler's to choose.
func (s scaling) auto() bool { return s.most > s.least }

// scalingPolicy is the name of the one policy that a variant has.
const scalingPolicy = "mlops-concurrency"

// scalableVariant names a variant as Application Auto Scaling does.
func scalableVariant(endpoint, variant string) string {
	return "endpoint/" + endpoint + "/variant/" + variant
}

// releaseScaling lets go of variants that the change asked for removes, gives
// another machine type, or gives a fixed number of instances: SageMaker refuses to
// change them while an autoscaler holds them.
func (k modelEndpointKind) releaseScaling(ctx context.Context, s scene, state endpointState) error {
	var former endpointForm
	if state.before != nil {
		former = *state.before
	}
	held := maps.Clone(state.asked.Spec.Variants)
	maps.DeleteFunc(held, func(name string, v mlops.Variant) bool {
		return !endpointScale(v).auto() || state.asked.Types[name] != former.Types[name]
	})
	return k.deregister(ctx, s, state, held)
}

// applyScaling holds the variants of a spec to their bounds, and lets go of others.
func (k modelEndpointKind) applyScaling(ctx context.Context, s scene, state endpointState, spec mlops.ModelEndpointSpec) error {
	held := maps.Clone(spec.Variants)
	maps.DeleteFunc(held, func(_ string, v mlops.Variant) bool { return !endpointScale(v).auto() })
	if err := k.deregister(ctx, s, state, held); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(held)) {
		if err := k.scaleVariant(ctx, s, name, endpointScale(held[name]), state.recordTags()); err != nil {
			return err
		}
	}
	return nil
}

// scaleVariant gives a variant to the autoscaler, or changes its bounds.
func (k modelEndpointKind) scaleVariant(ctx context.Context, s scene, variant string, scale scaling, tags map[string]string) error {
	resource := scalableVariant(s.name, variant)
	target := &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: types.ServiceNamespaceSagemaker, ScalableDimension: types.ScalableDimensionSageMakerVariantDesiredInstanceCount,
		ResourceId: &resource, MinCapacity: endpointCount(scale.least), MaxCapacity: endpointCount(scale.most), Tags: withoutRecord(tags),
	}
	if _, err := s.c.autoscaling.RegisterScalableTarget(ctx, target); err != nil {
		return k.notYetVisible(err)
	}
	_, err := s.c.autoscaling.PutScalingPolicy(ctx, &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: target.ServiceNamespace, ScalableDimension: target.ScalableDimension, ResourceId: &resource,
		PolicyName: aws.String(scalingPolicy), PolicyType: types.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &types.TargetTrackingScalingPolicyConfiguration{
			TargetValue: aws.Float64(float64(scale.concurrency)),
			PredefinedMetricSpecification: &types.PredefinedMetricSpecification{
				PredefinedMetricType: types.MetricTypeSageMakerVariantConcurrentRequestsPerModelHighResolution,
			},
		},
	})
	return err
}

// deregister takes from the autoscaler all variants that it has but those to be
// held; their policies go with them.
func (k modelEndpointKind) deregister(ctx context.Context, s scene, state endpointState, held map[string]mlops.Variant) error {
	var resources []string
	for _, name := range state.variantNames() {
		if _, ok := held[name]; !ok {
			resources = append(resources, scalableVariant(s.name, name))
		}
	}
	if len(resources) == 0 {
		return nil
	}
	const most = 50 // resources in one question
	for some := range slices.Chunk(resources, most) {
		out, err := s.c.autoscaling.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{
			ServiceNamespace: types.ServiceNamespaceSagemaker, ResourceIds: some,
		})
		if err != nil {
			return err
		}
		for _, target := range out.ScalableTargets {
			_, err := s.c.autoscaling.DeregisterScalableTarget(ctx, &applicationautoscaling.DeregisterScalableTargetInput{
				ServiceNamespace: target.ServiceNamespace, ScalableDimension: target.ScalableDimension, ResourceId: target.ResourceId,
			})
			if err != nil && !k.is(err, mlops.NotFound) {
				return err
			}
		}
	}
	return nil
}

// variantNames are the variants that the endpoint has, had or is to have.
func (s endpointState) variantNames() []string {
	names := map[string]bool{}
	for _, v := range s.variants {
		names[aws.ToString(v.VariantName)] = true
	}
	for _, f := range []*endpointForm{&s.asked, s.before} {
		if f == nil {
			continue
		}
		for name := range f.Spec.Variants {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
