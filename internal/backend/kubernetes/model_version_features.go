package kubernetes

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// modelFeatures answers for models and their versions.
func modelFeatures() map[mlops.Feature]mlops.Answer {
	runtime := mlops.Answer{Support: mlops.Native, Note: "Served by an installed runtime of KServe."}
	return map[mlops.Feature]mlops.Answer{
		mlops.FeatureVersionFile:    {Support: mlops.Native, Note: "Files of the machine that Terraform runs on, and artifacts of the environment's MLflow server, which keeps the bytes."},
		mlops.FeatureVersionRun:     {Support: mlops.Native, Note: "Of runs whose steps write to the MLflow server; what they write to `storage_uri` the provider does not read."},
		mlops.FeatureVersionSklearn: runtime,
		mlops.FeatureVersionXGBoost: runtime,
		mlops.FeatureVersionMLflow:  runtime,
		mlops.FeatureVersionONNX:    runtime,
		mlops.FeatureVersionCustom:  {Support: mlops.Native},
		mlops.FeatureVersionCommand: {Support: mlops.Native, Note: "In `image`, or in that of the environment's steps."},
		mlops.FeatureVersionImage:   {Support: mlops.Native, Note: "It listens on `$PORT`, and has the bytes at `$MODEL_PATH`."},
		mlops.FeatureVersionAliases: {Support: mlops.Native, Note: "MLflow keeps `latest`, and `v` with a number, for itself."},

		mlops.FeatureVersionOverrides: {Support: mlops.NotProvided, Note: "A version is no object of the cluster: override the InferenceService of the endpoint instead."},
	}
}
