package sagemaker

import (
	"maps"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// capabilities answers every feature: each noun for its own, beside the noun's
// four verbs.
func capabilities() mlops.Capabilities {
	features := map[mlops.Feature]mlops.Answer{}
	for _, noun := range []map[mlops.Feature]mlops.Answer{
		environmentFeatures(), datasetFeatures(), pipelineFeatures(), versionFeatures(), endpointFeatures(), monitorFeatures(),
	} {
		maps.Copy(features, noun)
	}
	return mlops.Capabilities{Features: features}
}
