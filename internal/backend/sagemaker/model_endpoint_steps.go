package sagemaker

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// beginEndpoint tells SageMaker what is asked for. What it refuses for good is given
// up: what is in force stays so, and says why.
func (k modelEndpointKind) beginEndpoint(ctx context.Context, s scene, state endpointState) error {
	if state.status == types.EndpointStatusFailed {
		return k.clearFailed(ctx, s, state)
	}
	err := k.atMachine(k.tellEndpoint(ctx, s, state), state.asked)
	switch {
	case err == nil:
		return k.mark(ctx, s, map[string]string{tagEndpointBegun: state.asked.Revision, tagEndpointDone: ""})
	case k.is(err, mlops.Conflict):
		return nil // it became busy meanwhile: the step is due again when it has settled
	case ctx.Err() != nil, k.is(err, mlops.Unavailable), state.before == nil, state.config != state.before.Config:
		return err
	}
	_, since := state.done()
	gaveUp := k.giveUp(ctx, s, state, mlops.Message(err), map[string]string{tagEndpointDone: doneMark(state.before.Revision, since)})
	if gaveUp != nil {
		return gaveUp
	}
	return err
}

// tellEndpoint makes the call that brings an endpoint to what is asked for.
func (k modelEndpointKind) tellEndpoint(ctx context.Context, s scene, state endpointState) error {
	if state.config == state.asked.Config {
		return k.reweighEndpoint(ctx, s, state)
	}
	if state.asked.Shadow != "" {
		return k.beginShadow(ctx, s, state)
	}
	return k.moveEndpoint(ctx, s, state)
}

// moveEndpoint tells SageMaker to put the configuration that is asked for in force.
func (k modelEndpointKind) moveEndpoint(ctx context.Context, s scene, state endpointState) error {
	if err := k.releaseScaling(ctx, s, state); err != nil {
		return err
	}
	alarms := endpointAlarms(s, state.asked.Spec)
	if err := k.putEndpointAlarms(ctx, s, alarms, state.tags); err != nil {
		return err
	}
	in := toEndpointUpdate(s.name, state.asked, state.before)
	if d := in.DeploymentConfig; d != nil && len(alarms) > 0 {
		d.AutoRollbackConfiguration = &types.AutoRollbackConfig{}
		for _, name := range slices.Sorted(maps.Keys(alarms)) {
			d.AutoRollbackConfiguration.Alarms = append(d.AutoRollbackConfiguration.Alarms, types.Alarm{AlarmName: aws.String(name)})
		}
	}
	if err := overrideUpdate(in, state.asked.Spec); err != nil {
		return err
	}
	_, err := s.c.sagemaker.UpdateEndpoint(ctx, in)
	return k.notYetVisible(err)
}

// toEndpointUpdate is the change of an endpoint to another configuration. Where an
// autoscaler owns a number of instances, that stays as it is.
func toEndpointUpdate(name string, asked endpointForm, before *endpointForm) *sagemaker.UpdateEndpointInput {
	in := &sagemaker.UpdateEndpointInput{EndpointName: &name, EndpointConfigName: &asked.Config}
	if before != nil {
		if anyServerless(before.Spec) || anyServerless(asked.Spec) {
			return in // guardrails and counts are of machines
		}
		in.DeploymentConfig = toDeployment(asked.Spec.Rollout)
	}
	for _, v := range asked.Spec.Variants {
		if endpointScale(v).auto() {
			in.RetainAllVariantProperties = aws.Bool(true)
			in.ExcludeRetainedVariantProperties = []types.VariantProperty{
				{VariantPropertyType: types.VariantPropertyTypeDesiredWeight}, {VariantPropertyType: types.VariantPropertyTypeDataCaptureConfig},
			}
		}
	}
	return in
}

// reweighEndpoint brings weights, and the numbers of instances that are fixed, to
// what is asked for, where they are not.
func (k modelEndpointKind) reweighEndpoint(ctx context.Context, s scene, state endpointState) error {
	changes := reweighing(state.asked.Spec.Variants, state.variants)
	if len(changes) == 0 {
		return nil
	}
	_, err := s.c.sagemaker.UpdateEndpointWeightsAndCapacities(ctx, &sagemaker.UpdateEndpointWeightsAndCapacitiesInput{
		EndpointName: &s.name, DesiredWeightsAndCapacities: changes,
	})
	return err
}

// reweighing is what has to be changed in place. Weights are shares: all are given
// when any is wrong.
func reweighing(want map[string]mlops.Variant, have []types.ProductionVariantSummary) []types.DesiredWeightAndCapacity {
	var counts, weights []types.DesiredWeightAndCapacity
	off := false
	for _, h := range have {
		v, ok := want[aws.ToString(h.VariantName)]
		if !ok {
			continue
		}
		scale := endpointScale(v)
		change := types.DesiredWeightAndCapacity{VariantName: h.VariantName}
		if h.CurrentServerlessConfig == nil && !scale.auto() && aws.ToInt32(h.DesiredInstanceCount) != *endpointCount(scale.least) {
			change.DesiredInstanceCount = endpointCount(scale.least)
			counts = append(counts, change)
		}
		change.DesiredWeight = aws.Float32(float32(v.Traffic))
		weights = append(weights, change)
		off = off || aws.ToFloat32(h.DesiredWeight) != float32(v.Traffic)
	}
	if off {
		return weights
	}
	return counts
}

// settleEndpoint does what follows when SageMaker has done its part: for what was
// asked for the smoke test, and for what is in force again nothing but tidying.
func (k modelEndpointKind) settleEndpoint(ctx context.Context, s scene, state endpointState) error {
	if state.config != state.asked.Config && state.before != nil {
		return k.settleOnFormer(ctx, s, state)
	}
	if words := state.givenUp(); words != "" {
		return k.goBack(ctx, s, state, words)
	}
	words, err := k.smokeTestEndpoint(ctx, s, state)
	if err != nil {
		return err
	}
	if words != "" {
		return k.goBack(ctx, s, state, words)
	}
	if err := k.markPassed(ctx, s, state); err != nil {
		return err
	}
	if tried := state.asked.Revision + "+"; len(reweighing(state.asked.Spec.Variants, state.variants)) > 0 && state.tags[tagEndpointDone] != tried {
		// Once: what SageMaker does not keep to is shown, not fought.
		if err := k.mark(ctx, s, map[string]string{tagEndpointDone: tried}); err != nil {
			return err
		}
		return k.reweighEndpoint(ctx, s, state)
	}
	return k.tidyEndpoint(ctx, s, state, state.asked, "")
}

// markPassed notes that the smoke test was passed, where there is one that it was not
// noted of.
func (k modelEndpointKind) markPassed(ctx context.Context, s scene, state endpointState) error {
	passed := passedMark(state.asked)
	if state.asked.Spec.SmokeTest == nil || state.tags[tagEndpointPassed] == passed {
		return nil
	}
	return k.mark(ctx, s, map[string]string{tagEndpointPassed: passed})
}

// settleOnFormer ends a change that SageMaker, or the smoke test, took back.
func (k modelEndpointKind) settleOnFormer(ctx context.Context, s scene, state endpointState) error {
	words := state.givenUp()
	if words == "" {
		words = strings.TrimSpace("SageMaker put the former configuration in force again. " + state.failure)
		ringing, err := k.ringingAlarms(ctx, s)
		if err != nil {
			return err
		}
		if len(ringing) > 0 {
			words += " Gates: " + strings.Join(ringing, "; ")
		}
	}
	return k.tidyEndpoint(ctx, s, state, *state.before, words)
}

// tidyEndpoint scales what is in force, has monitors that depend on it follow, removes
// what nothing refers to any more, and notes that nothing is left to do.
func (k modelEndpointKind) tidyEndpoint(ctx context.Context, s scene, state endpointState, form endpointForm, words string) error {
	if err := k.applyScaling(ctx, s, state, form.Spec); err != nil {
		return err
	}
	if !state.first {
		if err := k.dropEndpointAlarms(ctx, s, endpointAlarms(s, form.Spec)); err != nil {
			return err
		}
	}
	if whole, err := k.followEndpoint(ctx, s, slices.Sorted(maps.Keys(form.Spec.Variants))); err != nil || !whole {
		return err // the step stays due; what was explained before is there until then
	}
	if err := k.dropEndpointParts(ctx, s, state, form.Config); err != nil {
		return err
	}
	done := map[string]string{tagEndpointDone: doneMark(form.Revision, endpointNow())}
	if words == "" {
		if form.Spec.SmokeTest == nil && state.tags[tagEndpointPassed] != "" {
			done[tagEndpointPassed] = "" // what passed under another configuration passes again before it serves
		}
		return k.mark(ctx, s, done)
	}
	return k.giveUp(ctx, s, state, words, done)
}

// goBack takes back a change that did not pass: to what was in force before, if
// anything was.
func (k modelEndpointKind) goBack(ctx context.Context, s scene, state endpointState, words string) error {
	if err := k.giveUp(ctx, s, state, words, nil); err != nil {
		return err
	}
	if state.before == nil || state.oneWay() {
		return nil
	}
	if state.before.Config == state.config {
		former := state
		former.asked = *state.before
		if len(reweighing(former.asked.Spec.Variants, state.variants)) > 0 {
			return k.reweighEndpoint(ctx, s, former)
		}
		return k.tidyEndpoint(ctx, s, state, *state.before, words)
	}
	if err := k.releaseScaling(ctx, s, endpointState{endpointFacts: state.endpointFacts, asked: *state.before, before: &state.asked}); err != nil {
		return err
	}
	in := toEndpointUpdate(s.name, *state.before, nil) // all at once: what failed should not serve
	_, err := s.c.sagemaker.UpdateEndpoint(ctx, in)
	return err
}

// clearFailed deletes an endpoint that had failed, which is all that SageMaker lets
// one do with it. The record waits with the configuration.
func (k modelEndpointKind) clearFailed(ctx context.Context, s scene, state endpointState) error {
	if err := k.remakeFrom(ctx, s, state.asked.Config, state.recordTags()); err != nil {
		return err
	}
	if err := k.mark(ctx, s, map[string]string{tagEndpointNext: nextRemake}); err != nil {
		return err
	}
	_, err := s.c.sagemaker.DeleteEndpoint(ctx, &sagemaker.DeleteEndpointInput{EndpointName: &s.name})
	if k.is(err, mlops.NotFound) {
		return nil
	}
	return err
}

// remakeFrom notes with a configuration that the endpoint is made from it when that
// which had failed is gone. The newest such note counts.
func (k modelEndpointKind) remakeFrom(ctx context.Context, s scene, config string, tags map[string]string) error {
	tags = maps.Clone(tags)
	tags[tagEndpointNext] = nextRemake
	return k.retag(ctx, s, "endpoint-config/"+config, tags, nil)
}

// remakeEndpoint creates what had failed again, from the configuration that has its
// record.
func (k modelEndpointKind) remakeEndpoint(ctx context.Context, s scene, state endpointState) error {
	if err := k.createFrom(ctx, s, state.asked.Config, state.asked.Revision, state.recordTags()); err != nil {
		return err
	}
	return k.retag(ctx, s, "endpoint-config/"+state.asked.Config, nil, []string{tagEndpointNext})
}

// recordTags are the tags without those that say how far a change has come.
func (s endpointState) recordTags() map[string]string {
	out := maps.Clone(s.tags)
	maps.DeleteFunc(out, func(key, _ string) bool { return isEndpointMark(key) })
	return out
}
