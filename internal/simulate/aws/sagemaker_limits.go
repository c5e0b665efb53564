package aws

import (
	"maps"
	"slices"
)

// smUsage counts instances by the quota's name.
type smUsage map[string]int64

// smCount adds instances of a type to what counts for the type and for all types
// together.
func (u smUsage) smCount(machine, each, all string, instances int64) {
	if machine == "" || instances == 0 {
		return
	}
	u[machine+each] += instances
	u[all] += instances
}

// What the quotas of machine types are called, beside the type, and those of all types
// together.
const (
	smEndpointUsage   = " for endpoint usage"
	smProcessingUsage = " for processing job usage"
	smTrainingUsage   = " for training job usage"
	smSpotUsage       = " for spot training job usage"

	smAllEndpoints  = "Number of instances across active endpoints"
	smAllProcessing = "Number of instances across all processing jobs"
	smAllTraining   = "Number of instances across all training jobs"
)

// smLimit refuses what a quota does not leave room for, in the words that users report
// (aws/amazon-sagemaker-examples, issue 307). What is in use are the region's
// endpoints, and its jobs that run.
func (w *World) smLimit(c *Call, delta smUsage) error {
	if w.smExceeded(delta, w.smUsed(c)) == nil {
		return nil
	}
	// Time passes by looks, and nobody may have looked at jobs that would be over.
	for _, o := range slices.Concat(w.all(c, smProcessing), w.all(c, smTraining)) {
		w.look(o, c.Time)
	}
	return w.smExceeded(delta, w.smUsed(c))
}

func (w *World) smExceeded(delta, used smUsage) error {
	quotas := map[string]float64{}
	for _, q := range w.sagemakerQuotas() {
		quotas[q.name] = q.value
	}
	for _, name := range slices.Sorted(maps.Keys(delta)) {
		if limit, known := quotas[name]; known && delta[name] > 0 && float64(used[name]+delta[name]) > limit {
			return fault("ResourceLimitExceeded", "The account-level service limit '%s' is %g Instances, with current utilization of %d Instances and a request delta of %d Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas is not available, contact AWS support to request an increase for this quota.",
				name, limit, used[name], delta[name])
		}
	}
	return nil
}

// smUsed is what the account uses in a region.
func (w *World) smUsed(c *Call) smUsage {
	used := smUsage{}
	for _, o := range w.all(c, smEndpoint) {
		serving, _ := o.detail.(*smServing)
		variants, config := serving.variants, serving.config
		if serving.pending != nil && len(variants) == 0 { // it is being made
			variants, config = serving.pending.variants, serving.pending.config
		}
		used.smServe(config, variants)
	}
	for _, kind := range []string{smProcessing, smTraining} {
		for _, o := range w.all(c, kind) {
			if o.status == "InProgress" || o.status == "Stopping" {
				used.smRun(kind, o.in)
			}
		}
	}
	return used
}

// smServe adds the instances of an endpoint's variants.
func (u smUsage) smServe(config *smObject, variants []*smVariant) {
	machines := map[string]string{}
	for _, member := range []string{"ProductionVariants", "ShadowProductionVariants"} {
		for _, in := range structures(config.in, member) {
			machines[text(in, "VariantName")] = text(in, "InstanceType")
		}
	}
	for _, v := range variants {
		u.smCount(machines[v.name], smEndpointUsage, smAllEndpoints, v.count)
	}
}

// smRun adds the instances of a job.
func (u smUsage) smRun(kind string, in Params) {
	if kind == smTraining {
		cluster, each := structure(in, "ResourceConfig"), smTrainingUsage
		if smOnSpot(in) {
			each = smSpotUsage
		}
		u.smCount(text(cluster, "InstanceType"), each, smAllTraining, number(cluster, "InstanceCount", 1))
		return
	}
	cluster := structure(structure(in, "ProcessingResources"), "ClusterConfig")
	u.smCount(text(cluster, "InstanceType"), smProcessingUsage, smAllProcessing, number(cluster, "InstanceCount", 1))
}

// smServeLimit refuses variants that an endpoint has no room for. Of an update only
// what it has more than before counts: whether the old fleet counts while the new one
// is made is not published.
func (w *World) smServeLimit(c *Call, config *smObject, variants []*smVariant, before *smServing) error {
	delta := smUsage{}
	delta.smServe(config, variants)
	if before != nil {
		old := smUsage{}
		old.smServe(before.config, before.variants)
		for name, n := range old {
			delta[name] -= n
		}
	}
	return w.smLimit(c, delta)
}

// smRunLimit refuses a job that there is no room for.
func (w *World) smRunLimit(c *Call, kind string) error {
	delta := smUsage{}
	delta.smRun(kind, c.In)
	return w.smLimit(c, delta)
}
