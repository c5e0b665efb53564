package provider

import (
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func model() *definition[modelModel, mlops.ModelSpec, mlops.ModelStatus] {
	return &definition[modelModel, mlops.ModelSpec, mlops.ModelStatus]{
		noun:         mlops.NounModel,
		doc:          "A registered model: the name under which versions are kept.",
		attributes:   modelAttributes(),
		patience:     patience{create: 5 * time.Minute, update: 5 * time.Minute, remove: 5 * time.Minute},
		kind:         mlops.Backend.Models,
		toSpec:       modelModel.spec,
		fromObserved: modelOf,
		parent:       "environment",
		parentNoun:   mlops.NounEnvironment,
		parentOf:     func(s mlops.ModelSpec) mlops.ID { return s.Environment },
		id:           mlops.ModelSpec.ID,
		name:         func(s mlops.ModelSpec) string { return s.Name },
		identity:     []string{"environment", "name"},
	}
}
