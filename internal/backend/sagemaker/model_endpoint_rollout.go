package sagemaker

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Bounds of SageMaker's rollouts.
const (
	longestBake    = time.Hour
	canaryDefault  = 10 // percent
	canaryMost     = 50 // percent
	linearLeast    = 10 // percent
	linearMost     = 50 // percent
	shortestUpdate = 10 * time.Minute
	longestUpdate  = 8 * time.Hour
	updateReserve  = 30 * time.Minute // beyond the waits: machines start, and stop
)

// toDeployment is a rollout as SageMaker carries it out; nil moves all traffic at
// once.
func toDeployment(r *mlops.Rollout) *types.DeploymentConfig {
	if r == nil {
		return nil
	}
	bake := r.Bake.Or(mlops.DefaultBake)
	routing := &types.TrafficRoutingConfig{WaitIntervalInSeconds: endpointSeconds(bake)}
	waits := bake
	switch r.Strategy {
	case mlops.RolloutCanary:
		routing.Type, routing.CanarySize = types.TrafficRoutingConfigTypeCanary, percentOf(canaryStep(r))
		waits = 2 * bake // at the step, and at the end
	case mlops.RolloutLinear:
		routing.Type, routing.LinearStepSize = types.TrafficRoutingConfigTypeLinear, percentOf(linearStep(r))
		waits = time.Duration(len(r.Stages())+1) * bake
	case mlops.RolloutBlueGreen:
		routing.Type = types.TrafficRoutingConfigTypeAllAtOnce
	default:
		routing.Type, routing.WaitIntervalInSeconds, waits = types.TrafficRoutingConfigTypeAllAtOnce, aws.Int32(0), 0
	}
	longest := min(max(waits+r.Previous(0)+updateReserve, shortestUpdate), longestUpdate)
	return &types.DeploymentConfig{BlueGreenUpdatePolicy: &types.BlueGreenUpdatePolicy{
		TrafficRoutingConfiguration:      routing,
		TerminationWaitInSeconds:         endpointSeconds(r.Previous(0)),
		MaximumExecutionTimeoutInSeconds: endpointSeconds(longest),
	}}
}

func endpointSeconds(d time.Duration) *int32 { return aws.Int32(int32(d.Seconds())) }

func percentOf(share int64) *types.CapacitySize {
	return &types.CapacitySize{Type: types.CapacitySizeTypeCapacityPercent, Value: endpointCount(share)}
}

func canaryStep(r *mlops.Rollout) int64 {
	if len(r.Steps) == 0 {
		return canaryDefault
	}
	return r.Steps[0]
}

func linearStep(r *mlops.Rollout) int64 {
	if r.Increment == 0 {
		return mlops.DefaultIncrement
	}
	return r.Increment
}

// guarded reports whether a rollout needs SageMaker's deployment guardrails.
func guarded(r *mlops.Rollout) bool { return r != nil && r.Strategy != mlops.RolloutAllAtOnce }

// checkEndpointGuards refuses a change that SageMaker would carry out all at once,
// whatever the rollout asks: one of the set of variants.
func checkEndpointGuards(former *endpointForm, spec mlops.ModelEndpointSpec) error {
	old, fresh := slices.Sorted(maps.Keys(former.Spec.Variants)), slices.Sorted(maps.Keys(spec.Variants))
	if !guarded(spec.Rollout) {
		return nil
	}
	if anyServerless(former.Spec) {
		return &mlops.Error{
			Code: mlops.Invalid, Field: mlops.At("rollout", "strategy").String(),
			Err: errors.New("SageMaker gives a serverless endpoint machines all at once: make this change with strategy \"all_at_once\""),
		}
	}
	if asksShadow(spec.Rollout) {
		return checkFormerShadow(former)
	}
	if slices.Equal(old, fresh) {
		return nil
	}
	return &mlops.Error{
		Code: mlops.Invalid, Field: mlops.At("rollout", "strategy").String(),
		Err: fmt.Errorf("SageMaker moves traffic by %q only between variants of the same names: they are %s and would be %s; change the variants with strategy \"all_at_once\" first",
			spec.Rollout.Strategy, strings.Join(old, ", "), strings.Join(fresh, ", ")),
	}
}

// checkEndpointRollout refuses what SageMaker's rollouts do not have.
func checkEndpointRollout(c *mlops.Checker, spec mlops.ModelEndpointSpec) {
	if spec.Rollout == nil {
		return
	}
	checkEndpointStages(c, mlops.At("rollout"), spec.Rollout)
	checkEndpointWaits(c, mlops.At("rollout"), spec.Rollout)
	checkEndpointGates(c, spec)
	checkEndpointShadow(c, spec)
	for _, name := range slices.Sorted(maps.Keys(spec.Variants)) {
		machine, err := catalogue().Hosting(spec.Variants[name])
		if guarded(spec.Rollout) && err == nil && strings.HasPrefix(machine, "ml.inf1.") {
			c.Add(mlops.At("rollout", "strategy"), "Not available on "+machine, "SageMaker moves the traffic of Inf1 machines all at once, whatever is asked, and copies none of it: use strategy \"all_at_once\", or other machines for variant %q.", name)
		}
	}
}

func checkEndpointStages(c *mlops.Checker, at mlops.Path, r *mlops.Rollout) {
	switch r.Strategy {
	case mlops.RolloutCanary:
		if len(r.Steps) > 1 {
			c.Add(at.With("steps"), "Too many steps", "SageMaker's canary has one step before all traffic follows: keep one of them, or use strategy \"linear\".")
		} else if step := canaryStep(r); step > canaryMost {
			c.Add(at.With("steps"), "Step too large", "SageMaker's canary takes at most %d percent; it is %d.", canaryMost, step)
		}
	case mlops.RolloutLinear:
		if step := linearStep(r); step < linearLeast || step > linearMost {
			c.Add(at.With("increment"), "Increment out of bounds", "SageMaker's linear rollout takes steps of %d to %d percent; this is %d.", linearLeast, linearMost, step)
		}
	}
}

func checkEndpointWaits(c *mlops.Checker, at mlops.Path, r *mlops.Rollout) {
	bake := r.Bake.Or(mlops.DefaultBake)
	if asksShadow(r) {
		bake = 0 // which is not SageMaker's to wait for
	}
	if bake > longestBake || bake%time.Second != 0 {
		c.Add(at.With("bake"), "Bake out of bounds", "SageMaker observes a step for whole seconds, at most 1h; this is %s.", bake)
	}
	if r.Previous(0) > longestBake || r.Previous(0)%time.Second != 0 {
		c.Add(at.With("keep_previous"), "Kept out of bounds", "SageMaker keeps what was replaced for whole seconds, at most 1h; this is %s.", r.Previous(0))
	}
	if waits := toDeployment(r).BlueGreenUpdatePolicy; *waits.MaximumExecutionTimeoutInSeconds == int32(longestUpdate.Seconds()) {
		c.Add(at.With("bake"), "Rollout too long", "SageMaker gives an update at most 8h, machines' starts among it: shorten bake or keep_previous, or take larger steps.")
	}
}

func checkEndpointGates(c *mlops.Checker, spec mlops.ModelEndpointSpec) {
	g, at := spec.Rollout.Gates, mlops.At("rollout", "gates")
	if g == nil {
		return
	}
	if g.SmokeTest {
		c.Add(at.With("smoke_test"), "Not available on sagemaker", "SageMaker sends no requests of its own during a rollout: leave it out. The endpoint's smoke_test runs when all traffic has moved, and takes the change back if it fails.")
	}
	if g.Wait != 0 && !asksShadow(spec.Rollout) {
		c.Add(at.With("wait"), "Not available on sagemaker", "SageMaker waits for no requests beyond the bake: leave it out, and choose a bake in which enough of them come.")
	}
	alarms := 0
	for range endpointAlarms(scene{}, spec) {
		alarms++
	}
	if alarms > maxRollbackAlarms {
		c.Add(at, "Too many gates", "SageMaker watches %d alarms in a rollout, one for each limit and variant; these are %d.", maxRollbackAlarms, alarms)
	}
}
