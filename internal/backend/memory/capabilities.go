package memory

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// capabilities answers every feature: the bookkeeping of all of them, except
// for what needs a machine.
func capabilities() mlops.Capabilities {
	features := map[mlops.Feature]mlops.Answer{}
	for _, doc := range mlops.Features() {
		features[doc.Feature] = mlops.Answer{Support: mlops.Emulated, Note: "Recorded, not carried out."}
	}
	for _, f := range []mlops.Feature{mlops.FeaturePipelineGPU, mlops.FeatureEndpointGPU} {
		features[f] = mlops.Answer{Support: mlops.NotProvided, Note: "There are no accelerators in memory; leave accelerator out."}
	}
	features[mlops.FeaturePipelineImage] = mlops.Answer{
		Support: mlops.NotProvided,
		Note:    "There are no containers in memory; leave image out.",
	}
	for _, f := range []mlops.Feature{mlops.FeatureEndpointCanary, mlops.FeatureEndpointLinear, mlops.FeatureEndpointBlueGreen} {
		features[f] = mlops.Answer{Support: mlops.Emulated, Note: "The provider moves the weights of old and new versions step by step."}
	}
	for _, f := range []mlops.Feature{mlops.FeatureVersionOverrides, mlops.FeatureEndpointOverrides, mlops.FeatureMonitorOverrides} {
		features[f] = mlops.Answer{Support: mlops.NotProvided, Note: "There are no requests to merge it into; leave overrides out."}
	}
	features[mlops.FeatureEndpointShadow] = mlops.Answer{
		Support: mlops.NotProvided,
		Note:    "Requests cannot be copied in memory; use \"canary\" with a small first step.",
	}
	return mlops.Capabilities{Features: features}
}
