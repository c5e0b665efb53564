package kubernetes

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// Pipelines returns the kind of pipelines.
func (b *backend) Pipelines() mlops.Kind[mlops.PipelineSpec, mlops.PipelineStatus] {
	return notYet[mlops.PipelineSpec, mlops.PipelineStatus]{mlops.NounPipeline}
}
