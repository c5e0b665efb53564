package provider

import (
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/schedule"
)

func pipeline(g guide) *definition[pipelineModel, mlops.PipelineSpec, mlops.PipelineStatus] {
	return &definition[pipelineModel, mlops.PipelineSpec, mlops.PipelineStatus]{
		noun: mlops.NounPipeline,
		doc: "A versioned graph of steps. A step starts when the steps whose outputs it uses have ended. " +
			"Making a pipeline runs nothing: `mlops_pipeline_run` and `schedule` do.",
		attributes:   pipelineAttributes(g),
		patience:     patience{create: 10 * time.Minute, update: 10 * time.Minute, remove: 10 * time.Minute},
		kind:         mlops.Backend.Pipelines,
		toSpec:       pipelineModel.spec,
		fromObserved: pipelineOf,
		parent:       "environment",
		parentNoun:   mlops.NounEnvironment,
		parentOf:     func(s mlops.PipelineSpec) mlops.ID { return s.Environment },
		id:           mlops.PipelineSpec.ID,
		name:         func(s mlops.PipelineSpec) string { return s.Name },
		identity:     []string{"environment", "name"},
		check:        checkSchedule,
		foretell:     foretellPipeline,
		alters:       pipelineAlters,
	}
}

func checkSchedule(c *mlops.Checker, s mlops.PipelineSpec) {
	if s.Schedule == nil {
		return
	}
	at := mlops.At("schedule", "cron")
	if _, err := schedule.Parse(*s.Schedule); err != nil {
		c.AddIf(at, []mlops.Path{at, mlops.At("schedule", "timezone")}, "Invalid schedule", "%s.", err)
	}
}

// foretellPipeline tells the version at plan: it is a digest of what is planned.
func foretellPipeline(c *mlops.Checker, s mlops.PipelineSpec) map[string]string {
	if !c.Known(mlops.At("steps"), mlops.At("definition"), mlops.At("parameters")) {
		return nil
	}
	return map[string]string{"version": s.Version()}
}

// pipelineAlters lists what a change may alter: the platform's own parts are others
// where a schedule comes or goes.
func pipelineAlters(prior, planned mlops.PipelineSpec, _ bool) []string {
	if (prior.Schedule == nil) != (planned.Schedule == nil) {
		return []string{"version", "native"}
	}
	return []string{"version"}
}
