package local

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// PipelineRuns returns the kind of runs.
func (b *backend) PipelineRuns() mlops.Kind[mlops.PipelineRunSpec, mlops.PipelineRunStatus] {
	return kind[mlops.PipelineRunSpec, mlops.PipelineRunStatus]{b.engine.PipelineRuns(), mlops.NounPipelineRun, nil}
}
