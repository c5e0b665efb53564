package memory

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// Pipelines returns the kind of pipelines.
func (b *backend) Pipelines() mlops.Kind[mlops.PipelineSpec, mlops.PipelineStatus] {
	return &kind[mlops.PipelineSpec, mlops.PipelineStatus]{b, mlops.NounPipeline, pipelines{}}
}

type pipelines struct{}

func (pipelines) name(spec mlops.PipelineSpec) string { return spec.Name }

func (pipelines) place(p *Platform, _ string, from mlops.ID, spec mlops.PipelineSpec) (placed[mlops.PipelineSpec], error) {
	at := placed[mlops.PipelineSpec]{id: spec.ID(), spec: spec}
	if err := p.exists("environment", spec.Environment); err != nil {
		return at, err
	}
	return at, stays(from, at.id)
}

func (pipelines) whim(_ *Platform, _ mlops.PipelineSpec) whim { return whim{} }

func (pipelines) status(_ *Platform, _ *record, spec mlops.PipelineSpec) mlops.PipelineStatus {
	return mlops.PipelineStatus{Version: spec.Version()}
}
