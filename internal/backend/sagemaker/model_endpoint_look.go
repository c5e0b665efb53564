package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// endpointSeen is what a look at an endpoint shows.
type endpointSeen = mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]

// look looks at an endpoint and reads its tags. One that is gone, and has
// left nothing that says otherwise, is NotFound.
func (k modelEndpointKind) look(ctx context.Context, s scene) (endpointState, error) {
	out, err := s.c.sagemaker.DescribeEndpoint(ctx, &sagemaker.DescribeEndpointInput{EndpointName: &s.name})
	if k.is(err, mlops.NotFound) {
		return k.goneEndpoint(ctx, s, err)
	}
	if err != nil {
		return endpointState{}, err
	}
	tags, err := sagemakerTagsOf(ctx, s.c, s.arn)
	if k.is(err, mlops.NotFound) { // it went between the two calls
		return k.goneEndpoint(ctx, s, err)
	}
	if err != nil {
		return endpointState{}, err
	}
	return k.withStrange(ctx, s, endpointFacts{
		exists: true, config: aws.ToString(out.EndpointConfigName), status: out.EndpointStatus, failure: aws.ToString(out.FailureReason),
		variants: out.ProductionVariants, modified: aws.ToTime(out.LastModifiedTime), tags: tags,
	})
}

// goneEndpoint looks for a configuration that says what comes now that the endpoint
// is gone.
func (k modelEndpointKind) goneEndpoint(ctx context.Context, s scene, gone error) (endpointState, error) {
	configs, err := k.endpointConfigs(ctx, s)
	if err != nil {
		return endpointState{}, err
	}
	if len(configs) == 0 && s.blank != nil {
		*s.blank = true
	}
	var newest *endpointState
	for _, name := range configs {
		tags, err := sagemakerTagsOf(ctx, s.c, s.sibling("endpoint-config/"+name))
		if k.is(err, mlops.NotFound) {
			continue
		}
		if err != nil {
			return endpointState{}, err
		}
		if tags[tagEndpointNext] == "" {
			continue
		}
		found, err := readEndpoint(endpointFacts{config: name, tags: tags})
		if err != nil {
			return endpointState{}, err
		}
		if newest == nil || found.record.Created.After(newest.record.Created) {
			newest = &found
		}
	}
	if newest == nil {
		return endpointState{}, mlops.NewError(mlops.NotFound, fmt.Errorf("endpoint %q does not exist: %w", s.id, gone))
	}
	return *newest, nil
}

// withStrange reads the tags, and where a configuration is in force that the record
// does not know, that one's.
func (k modelEndpointKind) withStrange(ctx context.Context, s scene, facts endpointFacts) (endpointState, error) {
	state, err := readEndpoint(facts)
	if err != nil || !state.begun() || state.status != types.EndpointStatusInService || state.config == state.asked.Config || state.shadowed() ||
		state.before != nil && state.config == state.before.Config {
		return state, err
	}
	state.strange, err = k.strangeForm(ctx, s, state)
	return state, err
}

// strangeForm is what is in force where somebody put another configuration in
// force: as that configuration's record has it, or else with no more than SageMaker
// says of its variants.
func (k modelEndpointKind) strangeForm(ctx context.Context, s scene, state endpointState) (*endpointForm, error) {
	tags, err := sagemakerTagsOf(ctx, s.c, s.sibling("endpoint-config/"+state.config))
	if err != nil && !k.is(err, mlops.NotFound) {
		return nil, err
	}
	if known, err := readEndpoint(endpointFacts{config: state.config, tags: tags}); err == nil && known.asked.Config == state.config {
		return &known.asked, nil
	} else if err != nil && !errors.Is(err, errNoRecord) {
		return nil, err
	}
	form := endpointForm{Spec: state.asked.Spec, Config: state.config, Revision: "strange-" + shortHash(state.config)}
	form.Spec.Variants = map[string]mlops.Variant{}
	for _, v := range state.variants {
		form.Spec.Variants[aws.ToString(v.VariantName)] = mlops.Variant{}
	}
	return &form, nil
}

// inForce is what is in force with the shares of the traffic that it has, which may
// have been changed by somebody else; nil if nothing ever worked.
func (s endpointState) inForce() *endpointForm {
	f := s.force()
	if f == nil {
		return nil
	}
	shares := trafficShares(s.variants)
	form, moved := *f, false
	form.Spec.Variants = maps.Clone(form.Spec.Variants)
	for name, v := range form.Spec.Variants {
		if share, ok := shares[name]; ok && !s.busy() && math.Abs(share-float64(v.Traffic)) > 0.5 {
			v.Traffic, moved = int64(math.Round(share)), true
			form.Spec.Variants[name] = v
		}
	}
	if moved {
		form.Revision = revisionOf(form.Spec)
	}
	return &form
}

// trafficShares is the percentage of the traffic that each variant gets.
func trafficShares(variants []types.ProductionVariantSummary) map[string]float64 {
	var sum float64
	for _, v := range variants {
		sum += float64(aws.ToFloat32(v.CurrentWeight))
	}
	out := map[string]float64{}
	for _, v := range variants {
		if sum > 0 {
			out[aws.ToString(v.VariantName)] = 100 * float64(aws.ToFloat32(v.CurrentWeight)) / sum
		}
	}
	return out
}

// serving is what really answers, by variant.
func (s endpointState) serving() map[string]mlops.Serving {
	out := map[string]mlops.Serving{}
	form := s.inForce()
	if form == nil {
		return out
	}
	_, settled := s.done()
	for name, v := range form.Spec.Variants {
		since, ok := form.Since[name]
		if !ok {
			since = settled
		}
		out[name] = mlops.Serving{Version: v.Version, Digest: form.Digests[name], Traffic: v.Traffic, Since: since}
	}
	return out
}

// observed is an endpoint as the contract has it.
func (s endpointState) observed(scene scene) endpointSeen {
	v := s.verdict()
	seen := endpointSeen{
		Ref: scene.id, Phase: v.phase, Reason: v.reason, Due: v.step != endpointRest,
		Spec: s.asked.Spec, Revision: s.asked.Revision,
		Status: mlops.ModelEndpointStatus{URL: endpointURL(scene.c, scene.name), Serving: map[string]mlops.Serving{}, Replicas: map[string]int64{}},
		Native: map[string]string{"endpoint_name": scene.name, "endpoint_arn": scene.arn, "endpoint_config_name": s.config, "log_group": "/aws/sagemaker/Endpoints/" + scene.name},
	}
	seen.Status.Resolved, seen.Status.MonthlyUSD = s.asked.Types, catalogue().MonthlyUSD(s.asked.Spec, s.asked.Types)
	form := s.inForce()
	if form == nil || v.phase == mlops.PhaseFailed {
		return seen
	}
	seen.Spec, seen.Revision = form.Spec, form.Revision
	seen.Status.Resolved, seen.Status.MonthlyUSD, seen.Status.Previous = form.Types, catalogue().MonthlyUSD(form.Spec, form.Types), form.Previous
	seen.Status.Serving = s.serving()
	for _, v := range s.variants {
		seen.Status.Replicas[aws.ToString(v.VariantName)] = int64(aws.ToInt32(v.CurrentInstanceCount))
	}
	seen.Status.Rollout = s.rollout(v)
	return seen
}

// rollout says how the last change of traffic stands, or ended.
func (s endpointState) rollout(v endpointVerdict) *mlops.RolloutStatus {
	r := s.asked.Spec.Rollout
	if r == nil || s.before == nil {
		return nil
	}
	out := &mlops.RolloutStatus{
		Revision: s.asked.Revision, Strategy: r.Strategy, State: mlops.RolloutRunning, Steps: int64(len(r.Stages())),
		StartedAt: s.record.Created.Truncate(time.Second), Candidate: map[string]mlops.Serving{}, Reason: s.givenUp(),
	}
	if r.Strategy == mlops.RolloutCanary {
		out.Steps = 1
	}
	for name, variant := range s.asked.Spec.Variants {
		out.Candidate[name] = mlops.Serving{Version: variant.Version, Digest: s.asked.Digests[name], Traffic: variant.Traffic}
	}
	if v.phase != mlops.PhaseReady {
		if s.shadowed() {
			out.Step, out.Percent = 1, r.Stages()[0]
			_, out.StepAt = s.done()
		}
		return out
	}
	var revision string
	revision, out.EndedAt = s.done()
	out.State, out.Step, out.Percent = mlops.RolloutDone, out.Steps, 100
	if revision != s.asked.Revision && out.Reason != "" {
		out.State, out.Percent = mlops.RolloutRolledBack, 0
	}
	return out
}

// endpointURL is where requests go. They have to be signed.
func endpointURL(c *clients, endpoint string) string {
	suffix := "amazonaws.com"
	if c.partition == "aws-cn" {
		suffix = "amazonaws.com.cn"
	}
	return "https://runtime.sagemaker." + c.region + "." + suffix + "/endpoints/" + endpoint + "/invocations"
}
