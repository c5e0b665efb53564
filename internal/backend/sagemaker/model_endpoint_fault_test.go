package sagemaker

import (
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// TestEndpointSurvives proves that an endpoint's life, cut off at any of its calls
// and taken up again, comes to the same end, and leaves nothing behind: a call that
// was never made, one whose answer was lost, and one that was refused for a moment.
func TestEndpointSurvives(t *testing.T) {
	t.Parallel()
	for _, call := range []aws.Rule{
		{Service: "sagemaker", Operation: "DescribeEndpoint"},
		{Service: "sagemaker", Operation: "ListTags"},
		{Service: "sagemaker", Operation: "AddTags"},
		{Service: "sagemaker", Operation: "AddTags", Skip: 1},
		{Service: "sagemaker", Operation: "AddTags", Skip: 2},
		{Service: "sagemaker", Operation: "DeleteTags"},
		{Service: "sagemaker", Operation: "CreateModel"},
		{Service: "sagemaker", Operation: "CreateModel", Skip: 1},
		{Service: "sagemaker", Operation: "CreateEndpointConfig"},
		{Service: "sagemaker", Operation: "CreateEndpoint"},
		{Service: "sagemaker", Operation: "UpdateEndpoint"},
		{Service: "sagemaker", Operation: "UpdateEndpointWeightsAndCapacities"},
		{Service: "sagemaker", Operation: "ListEndpointConfigs"},
		{Service: "sagemaker", Operation: "DeleteEndpointConfig"},
		{Service: "sagemaker", Operation: "DeleteModel"},
		{Service: "sagemaker", Operation: "DeleteEndpoint"},
		{Service: "runtime.sagemaker", Operation: "InvokeEndpoint"},
		{Service: "monitoring", Operation: "PutMetricAlarm"},
		{Service: "monitoring", Operation: "DeleteAlarms"},
		{Service: "application-autoscaling", Operation: "RegisterScalableTarget"},
		{Service: "application-autoscaling", Operation: "PutScalingPolicy"},
		{Service: "application-autoscaling", Operation: "DeregisterScalableTarget"},
	} {
		for _, how := range interruptions() {
			t.Run(call.Operation+"/"+how.name, func(t *testing.T) {
				t.Parallel()
				b := newEndpointBench(t, 1)
				first, second := b.version("first"), b.version("second")
				b.impatient()
				b.survives(how.rule(call), lives(b, first, second))
			})
		}
	}
}

// TestEndpointShadowSurvives proves the same of a change that begins with a shadow,
// once to another version and once back.
func TestEndpointShadowSurvives(t *testing.T) {
	t.Parallel()
	for _, call := range []aws.Rule{
		{Service: "sagemaker", Operation: "DescribeEndpoint"},
		{Service: "sagemaker", Operation: "DescribeEndpointConfig"},
		{Service: "sagemaker", Operation: "DescribeEndpointConfig", Skip: 1},
		{Service: "sagemaker", Operation: "ListTags"},
		{Service: "sagemaker", Operation: "AddTags"},
		{Service: "sagemaker", Operation: "AddTags", Skip: 1},
		{Service: "sagemaker", Operation: "AddTags", Skip: 2},
		{Service: "sagemaker", Operation: "AddTags", Skip: 3},
		{Service: "sagemaker", Operation: "AddTags", Skip: 4},
		{Service: "sagemaker", Operation: "CreateEndpointConfig"},
		{Service: "sagemaker", Operation: "CreateEndpointConfig", Skip: 1},
		{Service: "sagemaker", Operation: "UpdateEndpoint"},
		{Service: "sagemaker", Operation: "UpdateEndpoint", Skip: 1},
		{Service: "sagemaker", Operation: "DeleteEndpointConfig"},
		{Service: "sagemaker", Operation: "DeleteEndpointConfig", Skip: 1},
		{Service: "sagemaker", Operation: "DeleteModel"},
		{Service: "sagemaker", Operation: "DeleteEndpoint"},
	} {
		for _, how := range interruptions() {
			t.Run(call.Operation+"/"+how.name, func(t *testing.T) {
				t.Parallel()
				b := newEndpointBench(t, 1)
				first, second := b.version("first"), b.version("second")
				b.impatient()
				briefly := func(s *mlops.ModelEndpointSpec) {
					shadowing(nil)(s)
					s.Rollout.Bake = mlops.Duration(time.Millisecond)
				}
				b.survives(how.rule(call), []mlops.ModelEndpointSpec{b.spec(first), b.spec(second, briefly), b.spec(first, briefly)})
			})
		}
	}
}

// interruptions are how a call can be cut off.
func interruptions() []interruption {
	return []interruption{
		{"never made", func(r aws.Rule) aws.Rule { r.Before = true; return r }},
		{"answer lost", func(r aws.Rule) aws.Rule { r.After = true; return r }},
		{"refused for a moment", func(r aws.Rule) aws.Rule { r.Fault = aws.Broken(); return r }},
	}
}

type interruption struct {
	name string
	rule func(aws.Rule) aws.Rule
}

// impatient makes each call once only, as if the process had died of its failure.
func (b *endpointBench) impatient() {
	b.Helper()
	b.reopen(1)
}

func (b *endpointBench) reopen(attempts int64) {
	b.Helper()
	settings := mlops.Settings{settingRegion: testRegion, settingEndpoint: b.account.URL, settingMaxAttempts: attempts}
	var err error
	b.backend = open(mlops.Options{Settings: settings, Owner: "us"})
	b.kind = modelEndpointKind{b.backend}
	if b.c, err = b.backend.in(b.Context(), b.model); err != nil {
		b.Fatal(err)
	}
}

// lives are an endpoint's specs in turn, with all that rollouts and scaling have.
func lives(b *endpointBench, first, second mlops.ID) []mlops.ModelEndpointSpec {
	test := func(s *mlops.ModelEndpointSpec) {
		canary(s)
		s.Labels = map[string]string{"version": s.Variants["main"].Version.Name()}
		s.SmokeTest = &mlops.SmokeTest{Request: "{}", Status: 200}
		v := s.Variants["main"]
		v.Scaling = &mlops.Scaling{Max: new(int64(3))}
		s.Variants["main"] = v
	}
	fixed := func(s *mlops.ModelEndpointSpec) {
		test(s)
		v := s.Variants["main"]
		v.Scaling = &mlops.Scaling{Min: new(int64(2))}
		s.Variants["main"] = v
	}
	return []mlops.ModelEndpointSpec{b.spec(first, test), b.spec(second, test), b.spec(second, fixed)}
}

// survives takes an endpoint through its life, with a fault in each part of it.
func (b *endpointBench) survives(fault aws.Rule, specs []mlops.ModelEndpointSpec) {
	b.Helper()
	b.account.Inject(fault)
	for _, spec := range specs {
		b.persist(func() error {
			_, err := b.kind.Create(b.Context(), spec)
			return err
		})
		seen := b.settleAnyhow(spec.ID())
		if seen.Phase != mlops.PhaseReady || seen.Revision != revisionOf(spec) {
			b.Errorf("it is %s at %q because %q, want ready at %q", seen.Phase, seen.Revision, seen.Reason, revisionOf(spec))
		}
		b.persist(func() error { return b.checkParts(spec.ID()) })
		b.account.Inject(fault)
	}
	b.persist(func() error {
		err := b.kind.Delete(b.Context(), specs[0].ID())
		if b.backend.is(err, mlops.NotFound) {
			return nil
		}
		return err
	})
	b.goneAnyhow(specs[0].ID())
}

// persist does a thing again when it failed, a few times.
func (b *endpointBench) persist(do func() error) {
	b.Helper()
	var err error
	for range 5 {
		if err = do(); err == nil {
			return
		}
	}
	b.Fatal(err)
}

// settleAnyhow looks and advances as whoever comes next would, errors or not.
func (b *endpointBench) settleAnyhow(ref mlops.ID) endpointSeen {
	b.Helper()
	for range patientLooks {
		seen, err := b.kind.Get(b.Context(), ref)
		switch {
		case err != nil:
		case seen.Phase == mlops.PhaseReady, seen.Phase == mlops.PhaseFailed:
			return seen
		case seen.Due:
			if err := b.kind.Advance(b.Context(), ref); err != nil {
				b.Logf("advance: %v", err)
			}
		}
	}
	b.Fatalf("%s does not settle", ref)
	return endpointSeen{}
}

func (b *endpointBench) goneAnyhow(ref mlops.ID) {
	b.Helper()
	for range patientLooks {
		seen, err := b.kind.Get(b.Context(), ref)
		if b.backend.is(err, mlops.NotFound) {
			b.account.Heal()
			b.wantParts(ref, 0, 0, 0)
			b.wantTargets()
			return
		}
		if err == nil && seen.Due {
			if err := b.kind.Advance(b.Context(), ref); err != nil {
				b.Logf("advance: %v", err)
			}
		}
	}
	b.Fatalf("%s does not go", ref)
}

// checkParts insists that nothing is left of what was replaced.
func (b *endpointBench) checkParts(ref mlops.ID) error {
	s, err := b.kind.scene(b.Context(), ref)
	if err != nil {
		return err
	}
	configs, err := b.kind.endpointConfigs(b.Context(), s)
	if err != nil {
		return err
	}
	models, err := b.kind.endpointModels(b.Context(), s)
	if err == nil && (len(configs) != 1 || len(models) != 1) {
		b.Errorf("configurations %v and models %v, want one of each", configs, models)
	}
	return err
}
