package sagemaker

import (
	"errors"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestMonitorReferences proves that what a monitor refers to and is not there is the
// fault of the attribute that names it.
func TestMonitorReferences(t *testing.T) {
	t.Parallel()
	b := newMonitorBench(t)
	environment := b.endpoint.Environment()
	tests := []struct {
		name, field string
		change      func(*mlops.MonitorSpec)
	}{
		{"endpoint", "endpoint", func(s *mlops.MonitorSpec) { s.Endpoint = environment.Child(mlops.NounModelEndpoint, "none") }},
		{"pipeline", "on_violation.pipeline", func(s *mlops.MonitorSpec) {
			s.OnViolation = &mlops.OnViolation{Pipeline: environment.Child(mlops.NounPipeline, "none")}
		}},
		{"dataset", "baseline.dataset", func(s *mlops.MonitorSpec) {
			s.Baseline = &mlops.Baseline{Dataset: environment.Child(mlops.NounDataset, "none")}
		}},
		{"run", "baseline.run", func(s *mlops.MonitorSpec) {
			s.Baseline = &mlops.Baseline{Run: b.pipeline.Child(mlops.NounPipelineRun, "none"), Output: "table"}
		}},
	}
	for _, tt := range tests {
		err := b.monitors.monitorReferences(t.Context(), b.spec(tt.change))
		e, ok := errors.AsType[*mlops.Error](err)
		if !ok || e.Code != mlops.Invalid || e.Field != tt.field {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if err := b.monitors.monitorReferences(t.Context(), b.spec()); err != nil {
		t.Errorf("of what is there: %v", err)
	}
}
