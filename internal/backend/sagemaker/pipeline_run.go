package sagemaker

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// pipelineRunKind is the kind of pipeline runs.
type pipelineRunKind struct{ *backend }

// Create is not written yet.
func (k pipelineRunKind) Create(_ context.Context, _ mlops.PipelineRunSpec) (mlops.Change, error) {
	return mlops.Change{}, errUnwritten
}

// Get is not written yet.
func (k pipelineRunKind) Get(_ context.Context, _ mlops.ID) (mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus], error) {
	return mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus]{}, errUnwritten
}

// Update is not written yet.
func (k pipelineRunKind) Update(_ context.Context, _ mlops.ID, _ mlops.PipelineRunSpec) (mlops.Change, error) {
	return mlops.Change{}, errUnwritten
}

// Delete is not written yet.
func (k pipelineRunKind) Delete(_ context.Context, _ mlops.ID) error { return errUnwritten }
