package sagemaker

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// environmentKind is the kind of environments.
type environmentKind struct{ *backend }

// Create is not written yet.
func (k environmentKind) Create(_ context.Context, _ mlops.EnvironmentSpec) (mlops.Change, error) {
	return mlops.Change{}, errUnwritten
}

// Get is not written yet.
func (k environmentKind) Get(_ context.Context, _ mlops.ID) (mlops.Observed[mlops.EnvironmentSpec, mlops.EnvironmentStatus], error) {
	return mlops.Observed[mlops.EnvironmentSpec, mlops.EnvironmentStatus]{}, errUnwritten
}

// Update is not written yet.
func (k environmentKind) Update(_ context.Context, _ mlops.ID, _ mlops.EnvironmentSpec) (mlops.Change, error) {
	return mlops.Change{}, errUnwritten
}

// Delete is not written yet.
func (k environmentKind) Delete(_ context.Context, _ mlops.ID) error { return errUnwritten }
