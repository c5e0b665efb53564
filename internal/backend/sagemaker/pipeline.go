package sagemaker

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// pipelineKind is the kind of pipelines.
type pipelineKind struct{ *backend }

// Create is not written yet.
func (k pipelineKind) Create(_ context.Context, _ mlops.PipelineSpec) (mlops.Change, error) {
	return mlops.Change{}, errUnwritten
}

// Get is not written yet.
func (k pipelineKind) Get(_ context.Context, _ mlops.ID) (mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus], error) {
	return mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus]{}, errUnwritten
}

// Update is not written yet.
func (k pipelineKind) Update(_ context.Context, _ mlops.ID, _ mlops.PipelineSpec) (mlops.Change, error) {
	return mlops.Change{}, errUnwritten
}

// Delete is not written yet.
func (k pipelineKind) Delete(_ context.Context, _ mlops.ID) error { return errUnwritten }
