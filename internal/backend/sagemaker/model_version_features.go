package sagemaker

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// versionFeatures answers for model versions.
func versionFeatures() map[mlops.Feature]mlops.Answer {
	const prebuilt = "Served by SageMaker's scikit-learn image, in which the provider's code loads the model; what it lacks is installed when it starts."
	return map[mlops.Feature]mlops.Answer{
		mlops.FeatureVersionFile:    {Support: mlops.Native},
		mlops.FeatureVersionRun:     {Support: mlops.Native},
		mlops.FeatureVersionSklearn: {Support: mlops.Native},
		mlops.FeatureVersionXGBoost: {Support: mlops.Native},
		mlops.FeatureVersionMLflow:  {Support: mlops.Emulated, Note: prebuilt},
		mlops.FeatureVersionONNX:    {Support: mlops.Emulated, Note: prebuilt},
		mlops.FeatureVersionCustom:  {Support: mlops.Native},
		mlops.FeatureVersionCommand: {Support: mlops.NotProvided, Note: "SageMaker serves by container images: give image, one that answers /ping and /invocations on port 8080 and finds the bytes at $MODEL_PATH."},
		mlops.FeatureVersionImage:   {Support: mlops.Native},
		mlops.FeatureVersionAliases: {Support: mlops.Emulated, Note: "Kept in the metadata of the model packages; the provider moves an alias from one to the other."},

		mlops.FeatureVersionOverrides: {Support: mlops.Native, Note: versionOverridesNote},
	}
}
