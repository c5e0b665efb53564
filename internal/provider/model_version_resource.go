package provider

import (
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func modelVersion(g guide) *definition[modelVersionModel, mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	return &definition[modelVersionModel, mlops.ModelVersionSpec, mlops.ModelVersionStatus]{
		noun: mlops.NounModelVersion,
		doc: "Immutable bytes of a model, with evidence. The bytes come from a URI or from a run's output. " +
			"When the bytes or how they are served change, a new version is registered and the former one stays as history; " +
			"when nothing of that changes, the version keeps its number. Approval, aliases, description and labels change in place.",
		attributes:   modelVersionAttributes(g),
		patience:     patience{create: 30 * time.Minute, update: 30 * time.Minute, remove: 10 * time.Minute},
		kind:         mlops.Backend.ModelVersions,
		toSpec:       modelVersionModel.spec,
		fromObserved: modelVersionOf,
		parent:       "model",
		parentNoun:   mlops.NounModel,
		parentOf:     func(s mlops.ModelVersionSpec) mlops.ID { return s.Model },
		identity:     []string{"model"},
		successive:   true,
		derived:      []string{"packages", "metrics"},
		alters:       versionAlters,
		note:         noteApproval,
		outside:      func(s mlops.ModelVersionSpec) bool { return s.ArtifactURI != "" },
	}
}

// versionAlters tells the computed attributes of a successor; what may change in
// place alters none. The same bytes from another source may keep the version,
// but only the apply can tell.
func versionAlters(prior, planned mlops.ModelVersionSpec, sameBytes bool) []string {
	all := []string{"id", "version", "digest", "uri", "size", "packages", "metrics", "lineage", "created_at", "native"}
	sameSource := prior.ArtifactURI == planned.ArtifactURI && prior.Run == planned.Run && prior.Output == planned.Output
	switch {
	case !sameBytes, !sameSource, !prior.SameBytes(planned):
		return all
	case mlops.DigestOf(prior.Metrics) != mlops.DigestOf(planned.Metrics):
		return all // whether evidence makes another version is the platform's to say
	}
	return nil
}
