package kubernetes

import (
	"maps"
	"sync"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// capabilities answers every feature.
func capabilities() mlops.Capabilities {
	return mlops.Capabilities{Features: answers(), Names: names(), Limits: limits}
}

// answers are those of all nouns, each of which gives its own beside its four verbs.
// They are put together once, for every look asks them how names may be.
var answers = sync.OnceValue(func() map[mlops.Feature]mlops.Answer {
	all := map[mlops.Feature]mlops.Answer{}
	for _, doc := range mlops.Features() {
		all[doc.Feature] = mlops.Answer{Support: mlops.NotProvided, Note: "This version of the provider does not have it on Kubernetes."}
	}
	for _, noun := range []map[mlops.Feature]mlops.Answer{
		environmentFeatures(), datasetFeatures(), pipelineFeatures(), modelFeatures(), endpointFeatures(), monitorFeatures(),
	} {
		maps.Copy(all, noun)
	}
	return all
})

// names says how long a name may be where the platform adds to it. What else it may
// be is the portable rule, which is that of DNS labels too (RFC 1123).
func names() map[mlops.Noun]mlops.NameRule {
	portable := mlops.PortableName()
	// A run's name is its pipeline's and eleven characters, and no longer than a label.
	pipeline := mlops.NameRule{Pattern: portable.Pattern, Max: maxRunName - runDigits - 1, Form: portable.Form}
	// Argo gives the jobs of a CronWorkflow its name and eleven characters.
	monitor := mlops.NameRule{Pattern: portable.Pattern, Max: maxRunName - runDigits - 1 - len(monitorPrefix), Form: portable.Form}
	return map[mlops.Noun]mlops.NameRule{mlops.NounPipeline: pipeline, mlops.NounMonitor: monitor}
}

// limits refuses what Kubernetes does not take of the features that it has.
func limits(c *mlops.Checker, spec any) {
	if s, ok := spec.(mlops.EnvironmentSpec); ok {
		checkEnvironment(c, s)
	}
}
