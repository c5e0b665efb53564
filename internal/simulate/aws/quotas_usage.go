package aws

import "strings"

// The metric by which AWS counts what a quota of instances of endpoints is about. AWS tells
// of such metrics of SageMaker's in a post of its Machine Learning Blog ("Best practices
// for viewing and querying Amazon SageMaker service quota usage", March 2023). The
// dimensions are a guess: nothing may rest on them but what a quota's answer names.
// Other quotas may have one too; here they have none.
const (
	usageNamespace = "AWS/Usage"
	usageMetric    = "ResourceCount"
	usageEndpoint  = "endpoint/" // before the machine type, as the dimension Resource
)

// usageNow is what such a metric counts now, by which CreateEndpoint refuses more too. AWS
// writes it down once a minute; what it was before is not kept here.
func (w *World) usageNow(region string, metric Params) (used float64, ok bool) {
	of := dimensionsIn(metric)
	machine, isEndpoint := strings.CutPrefix(of["Resource"], usageEndpoint)
	if text(metric, "Namespace") != usageNamespace || text(metric, "MetricName") != usageMetric || of["Service"] != "SageMaker" || !isEndpoint {
		return 0, false
	}
	n := w.smUsed(&Call{Region: region})[machine+smEndpointUsage]
	return float64(n), n > 0
}
