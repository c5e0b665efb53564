package local

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// Pipelines returns the kind of pipelines.
func (b *backend) Pipelines() mlops.Kind[mlops.PipelineSpec, mlops.PipelineStatus] {
	return kind[mlops.PipelineSpec, mlops.PipelineStatus]{b.engine.Pipelines(), mlops.NounPipeline, func(s mlops.PipelineSpec) string { return s.Name }}
}
