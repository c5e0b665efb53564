package sagemaker

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Bounds of serverless variants, from the API's model; the default of the memory is
// that of AWS's own Python SDK.
const (
	serverlessStep       = 1 << 30
	serverlessMost       = 6 << 30
	serverlessDefault    = 2 << 30
	serverlessInFlight   = 200
	serverlessDisk       = 5 << 30 // of the container, the model among it
	mebibyte             = 1 << 20
	serverlessWords      = "Not available without machines"
	serverlessWithout    = "With scaling.min = 0 the variant is serverless: "
	serverlessChangeOnly = "SageMaker makes no serverless endpoint of one that has machines: keep scaling.min at 1 or more, take another name, " +
		"or replace the endpoint (-replace), which does not answer until the new one is there"
)

// isServerless reports whether a variant runs without machines of its own.
func isServerless(v mlops.Variant) bool {
	least, _, _ := v.Scaling.Bounds()
	return least == 0
}

// anyServerless reports whether an endpoint has such a variant, which is then its only
// one.
func anyServerless(spec mlops.ModelEndpointSpec) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(spec.Variants)), isServerless)
}

// serverlessMemory is what a serverless variant has for an ask: the next of SageMaker's
// steps.
func serverlessMemory(ask *mlops.Compute) mlops.Quantity {
	if ask == nil || ask.Memory == 0 {
		return serverlessDefault
	}
	return max((ask.Memory+serverlessStep-1)/serverlessStep*serverlessStep, serverlessStep)
}

// serverlessSize names what a serverless variant runs on.
func serverlessSize(ask *mlops.Compute) string {
	return "serverless " + strconv.FormatInt(int64(serverlessMemory(ask))/mebibyte, 10) + " MB"
}

// toServerless is the capacity of a serverless variant: as many requests in flight as
// its most replicas would have.
func toServerless(v mlops.Variant) *types.ProductionVariantServerlessConfig {
	_, most, concurrency := v.Scaling.Bounds()
	return &types.ProductionVariantServerlessConfig{
		MemorySizeInMB: endpointCount(int64(serverlessMemory(v.Compute)) / mebibyte), MaxConcurrency: endpointCount(most * concurrency),
	}
}

// checkServerless refuses what serverless endpoints do not have. Sources: the developer
// guide, "Serverless Inference" (feature exclusions) and "Deployment guardrails" (which
// are for real-time and asynchronous endpoints).
func checkServerless(c *mlops.Checker, spec mlops.ModelEndpointSpec) {
	for _, name := range slices.Sorted(maps.Keys(spec.Variants)) {
		if v := spec.Variants[name]; isServerless(v) {
			checkServerlessVariant(c, mlops.At("variants", mlops.Key(name)), v, len(spec.Variants))
		}
	}
	if !anyServerless(spec) {
		return
	}
	if spec.Capture != nil {
		c.Add(mlops.At("capture"), serverlessWords, "SageMaker captures no requests of serverless endpoints: leave capture out, or set scaling.min to 1 or more.")
	}
	if patchOf(spec.Overrides, requestUpdate)["DeploymentConfig"] != nil {
		c.AddIf(mlops.At("overrides"), []mlops.Path{mlops.At("overrides"), mlops.At("variants")}, serverlessWords,
			"SageMaker moves the traffic of serverless endpoints all at once: leave %s.DeploymentConfig out, or set scaling.min to 1 or more.", requestUpdate)
	}
	if guarded(spec.Rollout) {
		c.Add(mlops.At("rollout", "strategy"), serverlessWords, "SageMaker moves the traffic of serverless endpoints all at once: use strategy \"all_at_once\", or set scaling.min to 1 or more.")
	}
	if r := spec.Rollout; r != nil && r.KeepPrevious != nil && *r.KeepPrevious != 0 {
		c.Add(mlops.At("rollout", "keep_previous"), serverlessWords, "Serverless endpoints have no machines to keep warm: leave keep_previous out.")
	}
}

func checkServerlessVariant(c *mlops.Checker, at mlops.Path, v mlops.Variant, variants int) {
	scaling := at.With("scaling")
	if variants > 1 {
		c.AddIf(scaling.With("min"), []mlops.Path{scaling.With("min"), mlops.At("variants")}, serverlessWords, "A serverless endpoint of SageMaker has one variant; this has %d. Set min to 1 or more.", variants)
	}
	if _, most, concurrency := v.Scaling.Bounds(); most*concurrency > serverlessInFlight {
		c.AddIf(scaling.With("max"), []mlops.Path{scaling.With("max"), scaling.With("target")}, "Too many requests at once",
			serverlessWithout+"it takes at most %d requests at once. These are max (%d) times target.concurrency (%d).", serverlessInFlight, most, concurrency)
	}
	if v.Startup != 0 {
		c.Add(at.With("startup_timeout"), serverlessWords, serverlessWithout+"SageMaker itself says how long it may take to start. Leave startup_timeout out.")
	}
	checkServerlessCompute(c, at.With("compute"), v.Compute)
}

func checkServerlessCompute(c *mlops.Checker, at mlops.Path, a *mlops.Compute) {
	if a == nil {
		return
	}
	for _, part := range []struct {
		name, words string
		asked       bool
	}{
		{"cpu", "it gets cores in proportion to its memory. Ask for memory alone.", a.CPU != 0},
		{"accelerator", "it has no accelerators. Set scaling.min to 1 or more.", a.Accelerator != nil},
		{"native", "it has no machine type. Ask for memory, or set scaling.min to 1 or more.", a.Native != ""},
		{"disk", "it has a disk of 5 GB, whose size cannot be chosen. Leave disk out.", a.Disk != 0},
		{"spot", "it has no machines that could be taken away. Leave spot out.", a.Spot},
	} {
		if part.asked {
			c.Add(at.With(part.name), serverlessWords, "%s", serverlessWithout+part.words)
		}
	}
	if a.Memory > serverlessMost {
		c.Add(at.With("memory"), "Too much memory", serverlessWithout+"it has at most 6Gi of memory; this is %s.", a.Memory)
	}
}

// checkServerlessPlace refuses a serverless endpoint where its environment has what
// such an endpoint cannot be in.
func checkServerlessPlace(c *mlops.Checker, p place, spec mlops.ModelEndpointSpec) {
	if !p.Isolated && len(p.Subnets) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Variants)) {
		if isServerless(spec.Variants[name]) {
			c.Add(mlops.At("variants", mlops.Key(name), "scaling", "min"), serverlessWords,
				"The environment has subnets or network_isolation, and serverless endpoints of SageMaker have neither: set min to 1 or more, or use another environment.")
		}
	}
}

// onMachines reports whether an endpoint has machines, or will when it serves.
func (s endpointState) onMachines() bool {
	if len(s.variants) == 0 {
		return !anyServerless(s.asked.Spec)
	}
	return slices.ContainsFunc(s.variants, func(v types.ProductionVariantSummary) bool { return v.CurrentServerlessConfig == nil })
}

// oneWay reports whether an endpoint left what it cannot return to: SageMaker gives a
// serverless endpoint machines, and never takes them away again.
func (s endpointState) oneWay() bool {
	return s.before != nil && anyServerless(s.before.Spec) && s.onMachines()
}

// becomes refuses the change that SageMaker has not got: from machines to none. What
// failed is made again anyway.
func (s endpointState) becomes(spec mlops.ModelEndpointSpec) error {
	failed := s.status == types.EndpointStatusFailed || s.tags[tagEndpointNext] == nextRemake
	if !s.exists || failed || !anyServerless(spec) || !s.onMachines() {
		return nil
	}
	for name := range spec.Variants {
		return &mlops.Error{
			Code: mlops.Invalid, Field: mlops.At("variants", mlops.Key(name), "scaling", "min").String(),
			Err: fmt.Errorf("%s", serverlessChangeOnly),
		}
	}
	return nil
}
