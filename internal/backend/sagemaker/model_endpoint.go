package sagemaker

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// modelEndpointKind is the kind of model endpoints.
type modelEndpointKind struct{ *backend }

// Create is not written yet.
func (k modelEndpointKind) Create(_ context.Context, _ mlops.ModelEndpointSpec) (mlops.Change, error) {
	return mlops.Change{}, errUnwritten
}

// Get is not written yet.
func (k modelEndpointKind) Get(_ context.Context, _ mlops.ID) (mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus], error) {
	return mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{}, errUnwritten
}

// Update is not written yet.
func (k modelEndpointKind) Update(_ context.Context, _ mlops.ID, _ mlops.ModelEndpointSpec) (mlops.Change, error) {
	return mlops.Change{}, errUnwritten
}

// Delete is not written yet.
func (k modelEndpointKind) Delete(_ context.Context, _ mlops.ID) error { return errUnwritten }
