package local

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/client"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Datasets returns the kind of datasets. It can tell the digest of data, and
// whether they break rules, before they are taken in.
func (b *backend) Datasets() mlops.Kind[mlops.DatasetSpec, mlops.DatasetStatus] {
	datasets := b.engine.Datasets()
	return datasetKind{
		kind[mlops.DatasetSpec, mlops.DatasetStatus]{datasets, mlops.NounDataset, func(s mlops.DatasetSpec) string { return s.Name }},
		datasets,
	}
}

type datasetKind struct {
	kind[mlops.DatasetSpec, mlops.DatasetStatus]

	reader client.Datasets
}

// Digest returns the digest that the spec's bytes have now; see mlops.Planner.
func (k datasetKind) Digest(ctx context.Context, spec mlops.DatasetSpec) (string, error) {
	return k.reader.Digest(ctx, spec)
}

// Preflight holds data to their rules; see mlops.Preflighter.
func (k datasetKind) Preflight(ctx context.Context, spec mlops.DatasetSpec, c *mlops.Checker) error {
	return k.reader.Preflight(ctx, spec, c)
}
