package sagemaker

import (
	"context"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Forewarn tells of quotas; see mlops.Forewarner.
func (k monitorKind) Forewarn(ctx context.Context, spec mlops.MonitorSpec, c *mlops.Checker) error {
	if spec.Endpoint == "" {
		return nil
	}
	asks := monitorQuotas(spec)
	if spec.Explainability != nil {
		shadow, err := k.shadowQuota(ctx, spec.Endpoint)
		if err != nil {
			return err
		}
		asks = append(asks, shadow...)
	}
	return k.checkQuotas(ctx, c, spec.Endpoint.Environment(), asks, func(ctx context.Context) (instancesUsed, error) {
		return modelEndpointKind(k).instancesOf(ctx, spec.Endpoint)
	})
}

// monitorQuotas is what a monitor's jobs ask for at once: all of its schedules fire at
// the same time, and so do the jobs that describe the baseline, before.
func monitorQuotas(spec mlops.MonitorSpec) []quotaAsk {
	var runs, descriptions []machineAsk
	p, described := monitorPlan{spec: spec}, []string{}
	if p.spec.Baseline == nil { // it may not be known yet
		p.spec.Baseline = &mlops.Baseline{}
	}
	for _, t := range jobTypes() {
		if !t.wanted(spec) {
			continue
		}
		check := t.checks[slices.IndexFunc(t.checks, func(check string) bool { return slices.Contains(spec.Checks(), check) })]
		runs = append(runs, machinesOf(t.patch(spec.Overrides), "JobResources", mlops.At(check)))
		if t.described == nil {
			continue
		}
		if name := t.described(p).name; !slices.Contains(described, name) { // two types may share one
			described = append(described, name)
			descriptions = append(descriptions, machinesOf(patchOf(spec.Overrides, overridesBaseline), "ProcessingResources", mlops.At(overridesBaseline)))
		}
	}
	asks := processingAsks(runs)
	for name, ask := range processingAsks(descriptions) {
		if ask.least > asks[name].least {
			asks[name] = ask
		}
	}
	return quotaAsksOf(asks)
}

// machineAsk are machines that one job asks for.
type machineAsk struct {
	machine string
	count   int64
	at      mlops.Path
}

// machinesOf are the machines of a job, with what overrides say of its cluster.
func machinesOf(patch map[string]any, resources string, at mlops.Path) machineAsk {
	ask := machineAsk{machine: monitorMachine, count: 1, at: at}
	of, _ := patch[resources].(map[string]any)
	cluster, _ := of["ClusterConfig"].(map[string]any)
	if machine, ok := cluster["InstanceType"].(string); ok {
		ask.machine = machine
	}
	if count, ok := cluster["InstanceCount"].(float64); ok {
		ask.count = int64(count)
	}
	return ask
}

// processingAsks counts the machines of jobs that run at once for each quota. The
// attribute is that of the first.
func processingAsks(jobs []machineAsk) map[string]quotaAsk {
	asks := map[string]quotaAsk{}
	for _, m := range jobs {
		for _, name := range []string{m.machine + quotaProcessing, quotaProcessingJobs} {
			ask, more := asks[name]
			if !more {
				ask = quotaAsk{name: name, at: m.at, above: m.at}
			}
			ask.least, ask.most = ask.least+m.count, ask.most+m.count
			asks[name] = ask
		}
	}
	return asks
}

// shadowQuota is what Clarify's copy of an endpoint asks for beside the endpoint's own
// machines; nothing for an endpoint that is not there yet.
func (k monitorKind) shadowQuota(ctx context.Context, endpoint mlops.ID) ([]quotaAsk, error) {
	region, err := k.in(ctx, endpoint.Environment())
	if err != nil {
		return nil, err
	}
	served, err := k.explainedModel(ctx, region, endpoint)
	if k.is(err, mlops.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	at := mlops.At("explainability")
	both := served.instances + 1
	return []quotaAsk{{name: served.machine + quotaEndpoint, least: both, most: both, at: at, above: at, standing: true}}, nil
}
