package sagemaker

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// datasetKind is the kind of datasets.
type datasetKind struct{ *backend }

// Create is not written yet.
func (k datasetKind) Create(_ context.Context, _ mlops.DatasetSpec) (mlops.Change, error) {
	return mlops.Change{}, errUnwritten
}

// Get is not written yet.
func (k datasetKind) Get(_ context.Context, _ mlops.ID) (mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus], error) {
	return mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus]{}, errUnwritten
}

// Update is not written yet.
func (k datasetKind) Update(_ context.Context, _ mlops.ID, _ mlops.DatasetSpec) (mlops.Change, error) {
	return mlops.Change{}, errUnwritten
}

// Delete is not written yet.
func (k datasetKind) Delete(_ context.Context, _ mlops.ID) error { return errUnwritten }
