package kubernetes

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// datasetFeatures answers for datasets.
func datasetFeatures() map[mlops.Feature]mlops.Answer {
	read := mlops.Answer{Support: mlops.Emulated, Note: "The provider reads the data where Terraform runs."}
	return map[mlops.Feature]mlops.Answer{
		mlops.FeatureDatasetURI: {
			Support: mlops.Emulated,
			Note:    "A cluster has no datasets: a copy is kept as an artifact of the environment's MLflow server (`registry.mlflow`). `uri` is a file of this machine, or an artifact of that server.",
		},
		mlops.FeatureDatasetRun:     {Support: mlops.Emulated, Note: "What the run wrote is fetched from the environment's MLflow server; what is kept in `storage_uri` is not."},
		mlops.FeatureDatasetCSV:     read,
		mlops.FeatureDatasetJSONL:   read,
		mlops.FeatureDatasetParquet: read,
		mlops.FeatureDatasetSchema:  read,
		mlops.FeatureDatasetChecks:  read,
	}
}
