package sagemaker

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// datasetFeatures answers for datasets.
func datasetFeatures() map[mlops.Feature]mlops.Answer {
	kept := mlops.Answer{Support: mlops.Emulated, Note: "SageMaker has no datasets: a copy is kept in the environment's bucket, with a record of its versions."}
	read := mlops.Answer{Support: mlops.Emulated, Note: "The provider reads the data where Terraform runs; what is in S3 is fetched for it."}
	return map[mlops.Feature]mlops.Answer{
		mlops.FeatureDatasetURI:     kept,
		mlops.FeatureDatasetRun:     kept,
		mlops.FeatureDatasetCSV:     read,
		mlops.FeatureDatasetJSONL:   read,
		mlops.FeatureDatasetParquet: read,
		mlops.FeatureDatasetSchema:  read,
		mlops.FeatureDatasetChecks:  read,
	}
}
