package kubernetes

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// Datasets returns the kind of datasets.
func (b *backend) Datasets() mlops.Kind[mlops.DatasetSpec, mlops.DatasetStatus] {
	return notYet[mlops.DatasetSpec, mlops.DatasetStatus]{mlops.NounDataset}
}
