package provider

import (
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func dataset(g guide) *definition[datasetModel, mlops.DatasetSpec, mlops.DatasetStatus] {
	return &definition[datasetModel, mlops.DatasetSpec, mlops.DatasetStatus]{
		noun: mlops.NounDataset,
		doc: "Data with a version, a digest, a schema, statistics and checks. The bytes are kept, so that what a run read or a monitor compares with stays the same. " +
			"Changed bytes make another version; data that break a check do not get in.",
		attributes:   datasetAttributes(g),
		patience:     patience{create: 30 * time.Minute, update: 30 * time.Minute, remove: 10 * time.Minute},
		kind:         mlops.Backend.Datasets,
		toSpec:       datasetModel.spec,
		fromObserved: datasetOf,
		parent:       "environment",
		parentNoun:   mlops.NounEnvironment,
		parentOf:     func(s mlops.DatasetSpec) mlops.ID { return s.Environment },
		id:           mlops.DatasetSpec.ID,
		name:         func(s mlops.DatasetSpec) string { return s.Name },
		identity:     []string{"environment", "name"},
		outside:      func(s mlops.DatasetSpec) bool { return s.URI != "" },
		alters:       datasetAlters,
	}
}

// datasetAlters tells what other bytes, or other ways to read them, alter.
func datasetAlters(prior, planned mlops.DatasetSpec, sameBytes bool) []string {
	sameSource := prior.URI == planned.URI && prior.Run == planned.Run && prior.Output == planned.Output && prior.Format == planned.Format
	switch {
	case !sameBytes, !sameSource:
		return []string{"version", "digest", "kept_at", "rows", "size", "columns", "statistics", "violations", "native"}
	case mlops.DigestOf(prior.Schema) != mlops.DigestOf(planned.Schema), mlops.DigestOf(prior.Checks) != mlops.DigestOf(planned.Checks):
		return []string{"columns", "statistics", "violations"}
	}
	return nil
}
