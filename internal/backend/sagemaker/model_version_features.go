package sagemaker

import (
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// versionFeatures answers for model versions.
func versionFeatures() map[mlops.Feature]mlops.Answer {
	out := map[mlops.Feature]mlops.Answer{}
	for _, doc := range mlops.Features() {
		if strings.HasPrefix(string(doc.Feature), "model_version.") {
			out[doc.Feature] = mlops.Answer{Support: mlops.NotProvided, Note: "Not available yet."}
		}
	}
	return out
}
