package sagemaker

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestEndpointCalls proves that nothing is asked of AWS that is known already: for an
// endpoint among many, which share a version, a region's places and the list of monitors.
func TestEndpointCalls(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 0)
	version := b.version("first")
	scaled := func(s *mlops.ModelEndpointSpec) {
		s.Capture = &mlops.Capture{SamplePercent: 100}
		s.Rollout = &mlops.Rollout{Strategy: mlops.RolloutAllAtOnce}
		s.Variants["main"] = mlops.Variant{Version: version, Traffic: 100, Scaling: &mlops.Scaling{Max: new(int64(4))}}
	}
	b.create(b.spec(version, func(s *mlops.ModelEndpointSpec) { s.Name = "before" }))
	for _, tt := range []struct {
		name string
		do   func()
		want map[string]int
	}{
		{
			"a new one", func() { b.create(b.spec(version, scaled)) },
			map[string]int{
				"sagemaker.DescribeEndpoint": 3, "sagemaker.ListTags": 2, "sagemaker.AddTags": 1,
				"sagemaker.DescribeModelPackage": 1, "sagemaker.ListEndpointConfigs": 1, "sagemaker.ListModels": 1,
				"sagemaker.CreateModel": 1, "sagemaker.CreateEndpointConfig": 1, "sagemaker.CreateEndpoint": 1,
				"application-autoscaling.RegisterScalableTarget": 1, "application-autoscaling.PutScalingPolicy": 1,
			},
		},
	} {
		b.account.ResetCalls()
		tt.do()
		got := b.account.Calls()
		delete(got, "ssm.GetParameter") // its age decides
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
