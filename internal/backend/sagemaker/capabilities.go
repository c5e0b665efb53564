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
	return mlops.Capabilities{Features: features, Limits: limits}
}

// limits refuses what SageMaker does not take of the features that it has.
func limits(c *mlops.Checker, spec any) {
	(&backend{}).checkTags(c, spec, mlops.EnvironmentSpec{})
	switch s := spec.(type) {
	case mlops.PipelineSpec:
		checkPipeline(c, s)
	case mlops.PipelineRunSpec:
		checkRun(c, s)
	case mlops.ModelEndpointSpec:
		checkEndpoint(c, s)
	case mlops.ModelVersionSpec:
		checkVersionOverrides(c, s)
	case mlops.MonitorSpec:
		checkMonitor(c, s)
	}
}
