package sagemaker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// A shadow rollout takes three steps: a configuration in which the new variant is the
// shadow of the one in force; the bake, whose figures are judged; and then the new
// configuration, or the former one again. SageMaker judges no shadow itself.

// The steps, as the tag tagEndpointDone has them after the revision.
const (
	shadowBakes = "+shadow" // since when the shadow gets copies
	shadowMoved = "+moved"  // when SageMaker was told to put the new variant in force
)

// figuresLate is how long after a minute CloudWatch has that minute's figures.
const figuresLate = time.Minute

// longestShadow is how long a shadow can be observed: its figures are taken as one
// period.
const longestShadow = longestPeriod

// asksShadow reports whether a rollout is to begin with a shadow.
func asksShadow(r *mlops.Rollout) bool { return r != nil && r.Strategy == mlops.RolloutShadow }

// shadowName is what the shadow of a variant is called: the name of neither.
func shadowName(variant string) string {
	const suffix = "-shadow"
	return strings.TrimRight(variant[:min(len(variant), maxName-len(suffix))], "-") + suffix
}

// planShadow adds the configuration in which the new variant is a shadow, where the
// change brings other servers.
func (k modelEndpointKind) planShadow(ctx context.Context, s scene, old endpointState, p *endpointPlan) error {
	if p.before == nil || p.config == nil || !asksShadow(p.form.Spec.Rollout) {
		return nil
	}
	former, err := s.c.sagemaker.DescribeEndpointConfig(ctx, &sagemaker.DescribeEndpointConfigInput{EndpointConfigName: &p.before.Config})
	if err != nil {
		return k.notYetVisible(err)
	}
	if former.AsyncInferenceConfig != nil || p.config.AsyncInferenceConfig != nil {
		return refuseShadow("SageMaker copies no asynchronous requests")
	}
	if p.shadow = toShadow(former, p.config, p.form.Spec.Rollout.Stages()[0]); p.shadow == nil {
		return nil
	}
	v := &p.shadow.ShadowProductionVariants[0]
	for name := range p.form.Spec.Variants {
		v.InitialInstanceCount = shadowCount(endpointScale(p.form.Spec.Variants[name]), old.variants)
	}
	p.form.Shadow = endpointPrefix(s.id) + shortHash(mlops.DigestOf(p.shadow))
	p.shadow.EndpointConfigName = &p.form.Shadow
	return nil
}

// toShadow is a configuration in force with the variant of another as its shadow, which
// gets copies of so many percent of the requests; nil if the two have the same servers.
// The share is the ratio of the weights.
func toShadow(former *sagemaker.DescribeEndpointConfigOutput, fresh *sagemaker.CreateEndpointConfigInput, percent int64) *sagemaker.CreateEndpointConfigInput {
	serves, comes := former.ProductionVariants[0], fresh.ProductionVariants[0]
	if aws.ToString(serves.ModelName) == aws.ToString(comes.ModelName) && serves.InstanceType == comes.InstanceType {
		return nil
	}
	serves.InitialVariantWeight, comes.InitialVariantWeight = aws.Float32(100), aws.Float32(float32(percent))
	name := shadowName(aws.ToString(comes.VariantName))
	if name == aws.ToString(serves.VariantName) {
		name = shadowName(name)
	}
	comes.VariantName = &name
	c := &sagemaker.CreateEndpointConfigInput{
		ProductionVariants: []types.ProductionVariant{serves}, ShadowProductionVariants: []types.ProductionVariant{comes},
		DataCaptureConfig: former.DataCaptureConfig, ExplainerConfig: former.ExplainerConfig, ExecutionRoleArn: former.ExecutionRoleArn,
		VpcConfig: former.VpcConfig, EnableNetworkIsolation: former.EnableNetworkIsolation, KmsKeyId: former.KmsKeyId,
	}
	if hasLocalDisk(string(comes.InstanceType)) {
		c.KmsKeyId = nil // as in the configuration that follows
	}
	return c
}

// shadowCount is how many instances a shadow has: as many as serve now, within its
// bounds, since it may get as many requests.
func shadowCount(scale scaling, serving []types.ProductionVariantSummary) *int32 {
	count := scale.least
	for _, v := range serving {
		count = max(count, int64(aws.ToInt32(v.DesiredInstanceCount)))
	}
	return endpointCount(max(min(count, scale.most), scale.least))
}

// shadowed reports whether the new variant is a shadow now.
func (s endpointState) shadowed() bool {
	return s.exists && s.asked.Shadow != "" && s.config == s.asked.Shadow && s.before != nil
}

// shadowEnds is from when on a shadow that bakes since then can be judged.
func (s endpointState) shadowEnds(since time.Time) time.Time {
	r := s.asked.Spec.Rollout
	ends := since.Add(r.Bake.Or(mlops.DefaultBake))
	if r.Gates != nil {
		ends = ends.Add(figuresLate)
	}
	return ends
}

// shadowVerdict says what comes next for a shadow.
func (s endpointState) shadowVerdict(now time.Time) endpointVerdict {
	stage, at := s.done()
	ends := s.shadowEnds(at)
	if s.givenUp() == "" && stage == s.asked.Revision+shadowBakes && now.Before(ends) {
		return endpointVerdict{phase: mlops.PhasePending, reason: fmt.Sprintf(
			"%d %% of requests are copied to the new version until %s", s.asked.Spec.Rollout.Stages()[0], ends.Format(time.TimeOnly),
		)}
	}
	return endpointVerdict{mlops.PhasePending, endpointShadow, "the new version is a shadow; its figures are judged, and it is put in force or taken away"}
}

// beginShadow puts the shadow beside what is in force, which stays as it is.
func (k modelEndpointKind) beginShadow(ctx context.Context, s scene, state endpointState) error {
	if state.shadowed() {
		return nil
	}
	return k.tellConfig(ctx, s, state.asked.Shadow)
}

// tellConfig moves an endpoint to a configuration whose production variants are those
// in force: as many instances stay.
func (k modelEndpointKind) tellConfig(ctx context.Context, s scene, config string) error {
	_, err := s.c.sagemaker.UpdateEndpoint(ctx, &sagemaker.UpdateEndpointInput{
		EndpointName: &s.name, EndpointConfigName: &config, RetainAllVariantProperties: aws.Bool(true),
		ExcludeRetainedVariantProperties: []types.VariantProperty{{VariantPropertyType: types.VariantPropertyTypeDesiredWeight}},
	})
	return k.notYetVisible(err)
}

// advanceShadow takes the next step of a shadow.
func (k modelEndpointKind) advanceShadow(ctx context.Context, s scene, state endpointState) error {
	stage, at := state.done()
	switch {
	case state.givenUp() != "":
		return k.tellConfig(ctx, s, state.before.Config)
	case stage == state.asked.Revision+shadowMoved:
		words := strings.TrimSpace("SageMaker did not put the new version in force after its bake as a shadow. " + state.failure)
		return k.giveUp(ctx, s, state, words, nil)
	case stage != state.asked.Revision+shadowBakes:
		return k.mark(ctx, s, map[string]string{tagEndpointDone: doneMark(state.asked.Revision+shadowBakes, endpointNow())})
	}
	passed, words, err := k.judgeShadow(ctx, s, state, at)
	switch {
	case err != nil:
		return err
	case words != "":
		return k.giveUp(ctx, s, state, words, nil)
	case !passed:
		return nil
	}
	return k.endShadow(ctx, s, state)
}

// endShadow puts in force what was a shadow. What SageMaker refuses for good is given
// up, and the shadow then taken away.
func (k modelEndpointKind) endShadow(ctx context.Context, s scene, state endpointState) error {
	err := k.atMachine(k.moveEndpoint(ctx, s, state), state.asked)
	switch {
	case err == nil:
		return k.mark(ctx, s, map[string]string{tagEndpointDone: doneMark(state.asked.Revision+shadowMoved, endpointNow())})
	case k.is(err, mlops.Conflict):
		return nil // it became busy meanwhile
	case ctx.Err() != nil, k.is(err, mlops.Unavailable):
		return err
	}
	return k.giveUp(ctx, s, state, mlops.Message(err), nil)
}

// judgeShadow says whether the shadow has passed its gates, or in words which it broke.
// Neither is said while more requests may come.
func (k modelEndpointKind) judgeShadow(ctx context.Context, s scene, state endpointState, since time.Time) (passed bool, words string, err error) {
	g := state.asked.Spec.Rollout.Gates
	if g == nil {
		return true, "", nil
	}
	name, err := k.shadowVariant(ctx, s, state)
	if err != nil {
		return false, "", err
	}
	f, err := measureVariant(ctx, s, name, since)
	if err != nil {
		return false, "", err
	}
	wait := g.Wait.Or(mlops.DefaultGateWait)
	late := !endpointNow().Before(state.shadowEnds(since).Add(wait))
	switch broken := g.Judge(f); {
	case !g.Enough(f) && late:
		return false, fmt.Sprintf("too few requests to judge the shadow, %s longer than the bake: min_requests = %d, measured %s", wait, g.MinRequests, f), nil
	case !g.Enough(f):
		return false, "", nil
	case len(broken) > 0:
		return false, fmt.Sprintf("the shadow broke its gates: %s; measured %s", strings.Join(broken, "; "), f), nil
	}
	return true, "", nil
}

// shadowVariant is the name of the shadow that an endpoint has.
func (k modelEndpointKind) shadowVariant(ctx context.Context, s scene, state endpointState) (string, error) {
	out, err := s.c.sagemaker.DescribeEndpointConfig(ctx, &sagemaker.DescribeEndpointConfigInput{EndpointConfigName: &state.asked.Shadow})
	if err != nil {
		return "", k.notYetVisible(err)
	}
	return aws.ToString(out.ShadowProductionVariants[0].VariantName), nil
}

// checkEndpointShadow refuses what SageMaker's shadows do not have. Sources: the API's
// model, and the developer guide, "Shadow tests", exclusions.
func checkEndpointShadow(c *mlops.Checker, spec mlops.ModelEndpointSpec) {
	if !asksShadow(spec.Rollout) {
		return
	}
	at := mlops.At("rollout", "strategy")
	if n := len(spec.Variants); n > 1 {
		c.AddIf(at, []mlops.Path{at, mlops.At("variants")}, "Too many variants", "SageMaker copies the requests of one variant to one other; these are %d. Use strategy \"canary\", or one variant.", n)
	}
	if bake := spec.Rollout.Bake.Or(mlops.DefaultBake); bake > longestShadow {
		c.Add(mlops.At("rollout", "bake"), "Bake out of bounds", "A shadow is observed for at most %s; this is %s.", longestShadow, bake)
	}
}

// checkFormerShadow refuses a shadow of what can have none.
func checkFormerShadow(former *endpointForm) error {
	types := slices.Collect(maps.Values(former.Types))
	switch {
	case len(former.Spec.Variants) != 1:
		return refuseShadow(fmt.Sprintf("SageMaker copies the requests of one variant to one other, and there are %d", len(former.Spec.Variants)))
	case slices.ContainsFunc(types, func(t string) bool { return strings.HasPrefix(t, "ml.inf1.") }):
		return refuseShadow("SageMaker copies no requests of Inf1 machines")
	}
	return nil
}

func refuseShadow(words string) error {
	return &mlops.Error{
		Code: mlops.Invalid, Field: mlops.At("rollout", "strategy").String(),
		Err: fmt.Errorf("%s: make this change with strategy \"all_at_once\"", words),
	}
}
