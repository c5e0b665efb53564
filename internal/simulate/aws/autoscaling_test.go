package aws_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// The variant that is scaled.
var (
	scaled    = sdk.String("endpoint/churn/variant/champion")
	instances = types.ScalableDimensionSageMakerVariantDesiredInstanceCount
)

// tracking is a policy that follows a predefined metric.
func tracking(name string, metric types.MetricType, target float64) *applicationautoscaling.PutScalingPolicyInput {
	return &applicationautoscaling.PutScalingPolicyInput{
		PolicyName: &name, ServiceNamespace: types.ServiceNamespaceSagemaker, ResourceId: scaled, ScalableDimension: instances,
		PolicyType: types.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &types.TargetTrackingScalingPolicyConfiguration{
			TargetValue: &target, PredefinedMetricSpecification: &types.PredefinedMetricSpecification{PredefinedMetricType: metric},
		},
	}
}

func TestScalingLife(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	c := applicationautoscaling.NewFromConfig(a.config)
	register := func(least, most *int32) (*applicationautoscaling.RegisterScalableTargetOutput, error) {
		return c.RegisterScalableTarget(t.Context(), &applicationautoscaling.RegisterScalableTargetInput{
			ServiceNamespace: types.ServiceNamespaceSagemaker, ResourceId: scaled, ScalableDimension: instances, MinCapacity: least, MaxCapacity: most,
		})
	}
	_, err := register(sdk.Int32(1), sdk.Int32(4))
	wantFault(t, err, "ValidationException", "doesn't exist")
	serveChurn(t, a)
	_, err = c.PutScalingPolicy(t.Context(), tracking("load", types.MetricTypeSageMakerVariantInvocationsPerInstance, 100))
	wantFault(t, err, "ObjectNotFoundException", "No scalable target registered for service namespace: sagemaker, resource ID: endpoint/churn/variant/champion")
	_, err = register(sdk.Int32(1), nil)
	wantFault(t, err, "ValidationException", "both")
	_, err = register(sdk.Int32(4), sdk.Int32(1))
	wantFault(t, err, "ValidationException", "less than minimum")
	made := must[*applicationautoscaling.RegisterScalableTargetOutput](t)(register(sdk.Int32(1), sdk.Int32(4)))
	if again := must[*applicationautoscaling.RegisterScalableTargetOutput](t)(register(nil, sdk.Int32(6))); *again.ScalableTargetARN != *made.ScalableTargetARN {
		t.Errorf("made %s, then %s", *made.ScalableTargetARN, *again.ScalableTargetARN)
	}
	targets := func() []types.ScalableTarget {
		return must[*applicationautoscaling.DescribeScalableTargetsOutput](t)(c.DescribeScalableTargets(t.Context(), &applicationautoscaling.DescribeScalableTargetsInput{
			ServiceNamespace: types.ServiceNamespaceSagemaker, ResourceIds: []string{*scaled},
		})).ScalableTargets
	}
	if all := targets(); len(all) != 1 || *all[0].MinCapacity != 1 || *all[0].MaxCapacity != 6 || *all[0].SuspendedState.DynamicScalingInSuspended {
		t.Errorf("targets are %+v", all)
	}
	must[*applicationautoscaling.TagResourceOutput](t)(c.TagResource(t.Context(), &applicationautoscaling.TagResourceInput{ResourceARN: made.ScalableTargetARN, Tags: map[string]string{"a": "1"}}))
	if tags := must[*applicationautoscaling.ListTagsForResourceOutput](t)(c.ListTagsForResource(t.Context(), &applicationautoscaling.ListTagsForResourceInput{ResourceARN: made.ScalableTargetARN})).Tags; tags["a"] != "1" {
		t.Errorf("tags are %v", tags)
	}

	must[*applicationautoscaling.PutScalingPolicyOutput](t)(c.PutScalingPolicy(t.Context(), tracking("load", types.MetricTypeSageMakerVariantInvocationsPerInstance, 100)))
	policy := must[*applicationautoscaling.PutScalingPolicyOutput](t)(c.PutScalingPolicy(t.Context(), tracking("load", types.MetricTypeSageMakerVariantInvocationsPerInstance, 50)))
	policies := func() []types.ScalingPolicy {
		return must[*applicationautoscaling.DescribeScalingPoliciesOutput](t)(c.DescribeScalingPolicies(t.Context(), &applicationautoscaling.DescribeScalingPoliciesInput{
			ServiceNamespace: types.ServiceNamespaceSagemaker, ResourceId: scaled,
		})).ScalingPolicies
	}
	if all := policies(); len(all) != 1 || *all[0].TargetTrackingScalingPolicyConfiguration.TargetValue != 50 || *all[0].PolicyARN != *policy.PolicyARN || len(all[0].Alarms) != 2 {
		t.Errorf("policies are %+v", all)
	}
	alarms := func() int {
		return len(must[*cloudwatch.DescribeAlarmsOutput](t)(cloudwatch.NewFromConfig(a.config).DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{AlarmNamePrefix: sdk.String("TargetTracking-endpoint/churn")})).MetricAlarms)
	}
	if n := alarms(); n != 2 {
		t.Errorf("%d alarms for one policy", n)
	}
	_, err = c.PutScalingPolicy(t.Context(), tracking("again", types.MetricTypeSageMakerVariantInvocationsPerInstance, 50))
	wantFault(t, err, "ValidationException", "Only one TargetTrackingScaling policy")
	_, err = c.PutScalingPolicy(t.Context(), tracking("cpu", types.MetricTypeECSServiceAverageCPUUtilization, 50))
	wantFault(t, err, "ValidationException", "not supported")

	// What scales an endpoint goes with it, alarms too.
	must[*sagemaker.DeleteEndpointOutput](t)(a.DeleteEndpoint(t.Context(), &sagemaker.DeleteEndpointInput{EndpointName: sdk.String("churn")}))
	if len(targets()) != 0 || len(policies()) != 0 || alarms() != 0 {
		t.Errorf("after the endpoint: %+v, %+v, %d alarms", targets(), policies(), alarms())
	}
	_, err = c.DeregisterScalableTarget(t.Context(), &applicationautoscaling.DeregisterScalableTargetInput{ServiceNamespace: types.ServiceNamespaceSagemaker, ResourceId: scaled, ScalableDimension: instances})
	wantFault(t, err, "ObjectNotFoundException", "")
}
