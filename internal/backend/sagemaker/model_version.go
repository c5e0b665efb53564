package sagemaker

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// modelVersionKind is the kind of model versions.
type modelVersionKind struct{ *backend }

// Create is not written yet.
func (k modelVersionKind) Create(_ context.Context, _ mlops.ModelVersionSpec) (mlops.Change, error) {
	return mlops.Change{}, errUnwritten
}

// Get is not written yet.
func (k modelVersionKind) Get(_ context.Context, _ mlops.ID) (mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus], error) {
	return mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus]{}, errUnwritten
}

// Update is not written yet.
func (k modelVersionKind) Update(_ context.Context, _ mlops.ID, _ mlops.ModelVersionSpec) (mlops.Change, error) {
	return mlops.Change{}, errUnwritten
}

// Delete is not written yet.
func (k modelVersionKind) Delete(_ context.Context, _ mlops.ID) error { return errUnwritten }
