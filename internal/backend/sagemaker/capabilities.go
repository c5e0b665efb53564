package sagemaker

import (
	"maps"
	"sync"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// capabilities answers every feature.
func capabilities() mlops.Capabilities {
	return mlops.Capabilities{Features: answers(), Limits: limits}
}

// answers are those of all nouns, each of which gives its own beside its four verbs.
// They are put together once, for every look asks them how names may be.
var answers = sync.OnceValue(func() map[mlops.Feature]mlops.Answer {
	all := map[mlops.Feature]mlops.Answer{}
	for _, noun := range []map[mlops.Feature]mlops.Answer{
		environmentFeatures(), datasetFeatures(), pipelineFeatures(), versionFeatures(), endpointFeatures(), monitorFeatures(),
	} {
		maps.Copy(all, noun)
	}
	return all
})

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
