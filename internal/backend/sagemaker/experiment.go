package sagemaker

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// experimentKind is the kind of experiments.
type experimentKind struct{ *backend }

// Create is not written yet.
func (k experimentKind) Create(_ context.Context, _ mlops.ExperimentSpec) (mlops.Change, error) {
	return mlops.Change{}, errUnwritten
}

// Get is not written yet.
func (k experimentKind) Get(_ context.Context, _ mlops.ID) (mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus], error) {
	return mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus]{}, errUnwritten
}

// Update is not written yet.
func (k experimentKind) Update(_ context.Context, _ mlops.ID, _ mlops.ExperimentSpec) (mlops.Change, error) {
	return mlops.Change{}, errUnwritten
}

// Delete is not written yet.
func (k experimentKind) Delete(_ context.Context, _ mlops.ID) error { return errUnwritten }
