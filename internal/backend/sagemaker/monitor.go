package sagemaker

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// monitorKind is the kind of monitors.
type monitorKind struct{ *backend }

// Create is not written yet.
func (k monitorKind) Create(_ context.Context, _ mlops.MonitorSpec) (mlops.Change, error) {
	return mlops.Change{}, errUnwritten
}

// Get is not written yet.
func (k monitorKind) Get(_ context.Context, _ mlops.ID) (mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus], error) {
	return mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus]{}, errUnwritten
}

// Update is not written yet.
func (k monitorKind) Update(_ context.Context, _ mlops.ID, _ mlops.MonitorSpec) (mlops.Change, error) {
	return mlops.Change{}, errUnwritten
}

// Delete is not written yet.
func (k monitorKind) Delete(_ context.Context, _ mlops.ID) error { return errUnwritten }
