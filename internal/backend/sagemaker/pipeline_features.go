package sagemaker

import (
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// pipelineFeatures answers for pipelines.
func pipelineFeatures() map[mlops.Feature]mlops.Answer {
	out := map[mlops.Feature]mlops.Answer{}
	for _, doc := range mlops.Features() {
		if strings.HasPrefix(string(doc.Feature), "pipeline.") {
			out[doc.Feature] = mlops.Answer{Support: mlops.NotProvided, Note: "Not available yet."}
		}
	}
	return out
}
