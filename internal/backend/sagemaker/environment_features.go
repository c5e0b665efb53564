package sagemaker

import (
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// environmentFeatures answers for environments.
func environmentFeatures() map[mlops.Feature]mlops.Answer {
	out := map[mlops.Feature]mlops.Answer{}
	for _, doc := range mlops.Features() {
		if strings.HasPrefix(string(doc.Feature), "environment.") {
			out[doc.Feature] = mlops.Answer{Support: mlops.NotProvided, Note: "Not available yet."}
		}
	}
	return out
}
