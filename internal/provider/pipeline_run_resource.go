package provider

import (
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func pipelineRun() *definition[pipelineRunModel, mlops.PipelineRunSpec, mlops.PipelineRunStatus] {
	return &definition[pipelineRunModel, mlops.PipelineRunSpec, mlops.PipelineRunStatus]{
		noun: mlops.NounPipelineRun,
		doc: "One run of a pipeline, waited for. A change of `parameters` or `triggers` runs the pipeline again; " +
			"the former run stays as history. A run that fails fails the apply, and the next apply runs again.",
		attributes:   pipelineRunAttributes(),
		patience:     patience{create: 2 * time.Hour, update: 2 * time.Hour, remove: 10 * time.Minute},
		kind:         mlops.Backend.PipelineRuns,
		toSpec:       pipelineRunModel.spec,
		fromObserved: pipelineRunOf,
		parent:       "pipeline",
		parentNoun:   mlops.NounPipeline,
		parentOf:     func(s mlops.PipelineRunSpec) mlops.ID { return s.Pipeline },
		identity:     []string{"pipeline"},
		successive:   true,
		alters: func(_, _ mlops.PipelineRunSpec, _ bool) []string {
			return []string{"id", "run", "status", "outputs", "metrics", "lineage", "started_at", "finished_at", "native"}
		},
		follow: func(s *mlops.PipelineRunSpec, former mlops.ID) { s.After = former },
	}
}
