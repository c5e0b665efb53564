package provider

import (
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func experiment() *definition[experimentModel, mlops.ExperimentSpec, mlops.ExperimentStatus] {
	return &definition[experimentModel, mlops.ExperimentSpec, mlops.ExperimentStatus]{
		noun: mlops.NounExperiment,
		doc: "Where the runs of pipelines are tracked, each with its parameters and metrics, to be compared. " +
			"A pipeline names it in `experiment`; the data source lists the runs.",
		attributes:   experimentAttributes(),
		patience:     patience{create: 10 * time.Minute, update: 10 * time.Minute, remove: 10 * time.Minute},
		kind:         mlops.Backend.Experiments,
		toSpec:       experimentModel.spec,
		fromObserved: experimentOf,
		parent:       "environment",
		parentNoun:   mlops.NounEnvironment,
		parentOf:     func(s mlops.ExperimentSpec) mlops.ID { return s.Environment },
		id:           mlops.ExperimentSpec.ID,
		name:         func(s mlops.ExperimentSpec) string { return s.Name },
		identity:     []string{"environment", "name"},
	}
}
