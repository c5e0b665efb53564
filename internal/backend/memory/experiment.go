package memory

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// Experiments returns the kind of experiments.
func (b *backend) Experiments() mlops.Kind[mlops.ExperimentSpec, mlops.ExperimentStatus] {
	return &kind[mlops.ExperimentSpec, mlops.ExperimentStatus]{b, mlops.NounExperiment, experiments{}}
}

type experiments struct{}

func (experiments) name(spec mlops.ExperimentSpec) string { return spec.Name }

func (experiments) place(p *Platform, _ string, from mlops.ID, spec mlops.ExperimentSpec) (placed[mlops.ExperimentSpec], error) {
	at := placed[mlops.ExperimentSpec]{id: spec.ID(), spec: spec}
	if err := p.exists("environment", spec.Environment); err != nil {
		return at, err
	}
	return at, stays(from, at.id)
}

func (experiments) whim(_ *Platform, spec mlops.ExperimentSpec) whim { return whimOf(spec.Labels) }

func (experiments) status(p *Platform, r *record, _ mlops.ExperimentSpec) mlops.ExperimentStatus {
	s := mlops.ExperimentStatus{Runs: []mlops.ExperimentRun{}, CreatedAt: r.created}
	var tracked []*record
	for _, pipeline := range p.under(r.id.Environment(), mlops.NounPipeline) {
		if decode[mlops.PipelineSpec](pipeline.spec).Experiment == r.id {
			tracked = append(tracked, p.under(pipeline.id, mlops.NounPipelineRun)...)
		}
	}
	for _, run := range tracked {
		spec := decode[mlops.PipelineRunSpec](run.spec)
		status := runs{}.status(p, run, spec)
		s.Total++
		s.Runs = append([]mlops.ExperimentRun{{
			Run: run.id, State: status.State, Parameters: spec.Parameters, Metrics: status.Metrics,
			StartedAt: status.StartedAt, FinishedAt: status.FinishedAt,
		}}, s.Runs...)
	}
	s.Runs = s.Runs[:min(len(s.Runs), mlops.MaxExperimentRuns)]
	return s
}
