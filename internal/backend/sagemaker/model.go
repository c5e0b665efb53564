package sagemaker

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// modelKind is the kind of models.
type modelKind struct{ *backend }

// Create is not written yet.
func (k modelKind) Create(_ context.Context, _ mlops.ModelSpec) (mlops.Change, error) {
	return mlops.Change{}, errUnwritten
}

// Get is not written yet.
func (k modelKind) Get(_ context.Context, _ mlops.ID) (mlops.Observed[mlops.ModelSpec, mlops.ModelStatus], error) {
	return mlops.Observed[mlops.ModelSpec, mlops.ModelStatus]{}, errUnwritten
}

// Update is not written yet.
func (k modelKind) Update(_ context.Context, _ mlops.ID, _ mlops.ModelSpec) (mlops.Change, error) {
	return mlops.Change{}, errUnwritten
}

// Delete is not written yet.
func (k modelKind) Delete(_ context.Context, _ mlops.ID) error { return errUnwritten }
