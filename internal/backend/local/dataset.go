package local

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// Datasets returns the kind of datasets.
func (b *backend) Datasets() mlops.Kind[mlops.DatasetSpec, mlops.DatasetStatus] {
	return kind[mlops.DatasetSpec, mlops.DatasetStatus]{b.engine.Datasets(), mlops.NounDataset, func(s mlops.DatasetSpec) string { return s.Name }}
}
