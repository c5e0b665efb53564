package sagemaker

import (
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// datasetFeatures answers for datasets.
func datasetFeatures() map[mlops.Feature]mlops.Answer {
	out := map[mlops.Feature]mlops.Answer{}
	for _, doc := range mlops.Features() {
		if strings.HasPrefix(string(doc.Feature), "dataset.") {
			out[doc.Feature] = mlops.Answer{Support: mlops.NotProvided, Note: "Not available yet."}
		}
	}
	return out
}
