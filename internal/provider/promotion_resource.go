package provider

import (
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// promoted is the resource's name where nouns have theirs. No platform has such
// an object: what a promotion leaves behind is a model version.
const promoted mlops.Noun = "promotion"

func promotion(g guide) *definition[promotionModel, promotionSpec, promotionStatus] {
	return &definition[promotionModel, promotionSpec, promotionStatus]{
		noun:   promoted,
		stands: mlops.NounModelVersion,
		doc: "Moves a model version's bytes to another environment's model, on the same backend or another, and registers them there as an approved version. " +
			"The digest is checked on the way, the gates are judged, and the evidence is kept with the new version, whose ID is the promotion's. " +
			"Destroying the promotion deletes the version that it made, which waits until no endpoint serves it.",
		attributes:   promotionAttributes(g),
		patience:     patience{create: 30 * time.Minute, update: 30 * time.Minute, remove: 10 * time.Minute},
		across:       promotionsOn,
		toSpec:       promotionModel.spec,
		fromObserved: promotionOf,
		parent:       "to",
		parentNoun:   mlops.NounModel,
		parentOf:     func(s promotionSpec) mlops.ID { return s.To },
		identity:     []string{"to"},
		successive:   true,
		kept:         []string{"gates", "source_settings"},
		alters:       promotionAlters,
		settled:      func(prior, planned promotionSpec) bool { return prior.From == planned.From },
	}
}

// promotionAlters tells the computed attributes of another version, and what is
// said in the evidence of the same.
func promotionAlters(prior, planned promotionSpec, _ bool) []string {
	switch {
	case prior.From != planned.From:
		return []string{"id", "version", "digest", "evidence", "native"}
	case prior.ApprovedBy != planned.ApprovedBy:
		return []string{"evidence"}
	}
	return nil
}
