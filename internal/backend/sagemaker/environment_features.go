package sagemaker

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// environmentFeatures answers for environments.
func environmentFeatures() map[mlops.Feature]mlops.Answer {
	return map[mlops.Feature]mlops.Answer{
		mlops.FeatureEnvironmentRetention: {Support: mlops.Native, Note: "By lifecycle rules of the bucket, in whole days; a bucket that was brought keeps its own."},
		mlops.FeatureEnvironmentProtect:   {Support: mlops.Emulated, Note: "The provider refuses."},
		mlops.FeatureEnvironmentBudget:    {Support: mlops.Native, Note: "An AWS budget of what carries the environment's tag, once `mlops:environment` is activated for cost allocation."},
		mlops.FeatureEnvironmentMLflow:    {Support: mlops.NotProvided, Note: "SageMaker has a registry of its own, which its endpoints serve from: leave registry out."},
	}
}
