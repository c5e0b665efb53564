package kubernetes

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// PipelineRuns returns the kind of runs.
func (b *backend) PipelineRuns() mlops.Kind[mlops.PipelineRunSpec, mlops.PipelineRunStatus] {
	return notYet[mlops.PipelineRunSpec, mlops.PipelineRunStatus]{mlops.NounPipelineRun}
}
