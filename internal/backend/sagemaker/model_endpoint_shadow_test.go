package sagemaker

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	runtimetypes "github.com/aws/aws-sdk-go-v2/service/sagemakerruntime/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// shadowing is a rollout that begins with a shadow, of a bake that no test waits for.
func shadowing(gates *mlops.Gates) func(*mlops.ModelEndpointSpec) {
	return func(s *mlops.ModelEndpointSpec) {
		s.Rollout = &mlops.Rollout{
			Strategy: mlops.RolloutShadow, Steps: []int64{50}, Bake: minutes(60), KeepPrevious: new(mlops.Duration(0)), Gates: gates,
		}
	}
}

// cast asks for a change and takes its steps until it is a shadow that bakes.
func (b *endpointBench) cast(spec mlops.ModelEndpointSpec) (mlops.Change, endpointSeen) {
	b.Helper()
	change, err := b.kind.Update(b.Context(), spec.ID(), spec)
	if err != nil {
		b.Fatal(err)
	}
	for range patientLooks {
		seen, err := b.kind.Get(b.Context(), spec.ID())
		if err != nil {
			b.Fatal(err)
		}
		if strings.Contains(seen.Reason, "are copied") {
			return change, seen
		}
		if seen.Due {
			err = b.kind.Advance(b.Context(), spec.ID())
		}
		if err != nil || seen.Phase != mlops.PhasePending {
			b.Fatalf("it is %s because %q before it was a shadow: %v", seen.Phase, seen.Reason, err)
		}
	}
	b.Fatal("it never was a shadow")
	return change, endpointSeen{}
}

// baked lets a shadow begin so long ago.
func (b *endpointBench) baked(change mlops.Change, ago time.Duration) {
	b.Helper()
	s, err := b.kind.scene(b.Context(), change.Ref)
	if err == nil {
		err = b.kind.mark(b.Context(), s, map[string]string{tagEndpointDone: doneMark(change.Revision+shadowBakes, endpointNow().Add(-ago))})
	}
	if err != nil {
		b.Fatal(err)
	}
}

// describe is the endpoint as SageMaker shows it.
func (b *endpointBench) describe() *sagemaker.DescribeEndpointOutput {
	b.Helper()
	out, err := b.c.sagemaker.DescribeEndpoint(b.Context(), &sagemaker.DescribeEndpointInput{EndpointName: sdk.String("bench--churn")})
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// TestEndpointRollsByShadow proves that a new version first gets copies, beside what
// serves and leaving it alone, and then serves itself.
func TestEndpointRollsByShadow(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 1)
	b.account.World.SetQuota("ml.m5.large for endpoint usage", 8) // two fleets of three stand side by side
	scaled := func(s *mlops.ModelEndpointSpec) {
		v := s.Variants["main"]
		v.Scaling = &mlops.Scaling{Max: new(int64(4))}
		s.Variants["main"] = v
	}
	first := b.create(b.spec(b.version("first"), shadowing(nil), scaled))
	if !b.account.World.ScaleVariant("bench--churn", "main", 3) {
		t.Fatal("there is no variant to scale")
	}
	second := b.version("second")
	change, during := b.cast(b.spec(second, shadowing(nil), scaled))
	if during.Due || during.Revision != first.Revision || during.Status.Replicas["main"] != 3 {
		t.Errorf("as a shadow bakes, due is %t at %q with %v replicas; want none of it changed", during.Due, during.Revision, during.Status.Replicas)
	}
	if diff := cmp.Diff(first.Status.Serving, during.Status.Serving); diff != "" {
		t.Errorf("serving (-before +during):\n%s", diff)
	}
	if r := during.Status.Rollout; r == nil || r.State != mlops.RolloutRunning || r.Step != 1 || r.Percent != 50 || r.Candidate["main"].Version != second {
		t.Errorf("the rollout is %+v", r)
	}
	out := b.describe()
	if n := len(out.ShadowProductionVariants); n != 1 {
		t.Fatalf("%d shadows", n)
	}
	if v := out.ShadowProductionVariants[0]; *v.VariantName != "main-shadow" || *v.CurrentWeight != 50 || *v.CurrentInstanceCount != 3 || *out.ProductionVariants[0].CurrentWeight != 100 {
		t.Errorf("the shadow is %s of weight %v on %d", *v.VariantName, *v.CurrentWeight, *v.CurrentInstanceCount)
	}
	b.wantParts(change.Ref, 3, 2, 0)
	b.baked(change, time.Hour)
	seen := settledReady(t, b.backend.ModelEndpoints(), change)
	if seen.Status.Serving["main"].Version != second || seen.Status.Previous["main"].Version != first.Status.Serving["main"].Version {
		t.Errorf("serves %+v after %+v", seen.Status.Serving, seen.Status.Previous)
	}
	if r := seen.Status.Rollout; r == nil || r.State != mlops.RolloutDone || r.Percent != 100 {
		t.Errorf("the rollout is %+v", r)
	}
	if n := len(b.describe().ShadowProductionVariants); n != 0 {
		t.Errorf("%d shadows are left", n)
	}
	b.wantTargets("1-4")
	b.wantParts(change.Ref, 1, 1, 0)
	b.destroy(change.Ref)
}

// TestEndpointShadowGates proves that a shadow is judged by its own figures, after the
// bake, and taken away when it broke its gates.
func TestEndpointShadowGates(t *testing.T) {
	t.Parallel()
	limits := mlops.Gates{MaxErrorPercent: new(10.0), MaxP95: mlops.Duration(300 * time.Millisecond), MinRequests: 4, Wait: minutes(5)}
	const asShadow = "main-shadow"
	for _, test := range []struct {
		name     string
		requests int // half of which are copied
		hooks    aws.Hooks
		ago      time.Duration
		want     string // reason; empty is that it serves
	}{
		{"good", 10, aws.Hooks{}, 61 * time.Minute, ""},
		{"failing", 10, aws.Hooks{Invoke: func(i aws.Invocation) (int, []byte) {
			return map[bool]int{true: http.StatusInternalServerError, false: http.StatusOK}[i.Variant == asShadow], []byte("{}")
		}}, 61 * time.Minute, "100.00 % of 5 requests failed, more than max_error_percent = 10"},
		{"what serves is failing", 10, aws.Hooks{Invoke: func(i aws.Invocation) (int, []byte) {
			return map[bool]int{true: http.StatusInternalServerError, false: http.StatusOK}[i.Variant == "main"], []byte("{}")
		}}, 61 * time.Minute, ""},
		{"slow", 10, aws.Hooks{Latency: func(i aws.Invocation) time.Duration {
			return map[bool]time.Duration{true: time.Second, false: time.Millisecond}[i.Variant == asShadow]
		}}, 61 * time.Minute, "more than max_p95 = 300ms"},
		{"too few requests", 6, aws.Hooks{}, 66 * time.Minute, "too few requests"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newEndpointBench(t, 1)
			first := b.create(b.spec(b.version("first")))
			b.account.World.SetHooks(test.hooks)
			change, _ := b.cast(b.spec(b.version("second"), shadowing(&limits)))
			b.invoke(test.requests)
			b.baked(change, test.ago)
			seen := settledAt(t, b.backend.ModelEndpoints(), change.Ref)
			if test.want == "" {
				b.wantReady(change, seen)
			} else if seen.Phase != mlops.PhaseReady || seen.Revision != first.Revision || !strings.Contains(seen.Reason, test.want) {
				t.Errorf("it is %s at %q because %q, want ready at %q because %q", seen.Phase, seen.Revision, seen.Reason, first.Revision, test.want)
			}
			if r := seen.Status.Rollout; r == nil || (r.State == mlops.RolloutRolledBack) != (test.want != "") {
				t.Errorf("the rollout is %+v", r)
			}
			b.wantParts(change.Ref, 1, 1, 0)
			b.destroy(change.Ref)
		})
	}
}

// invoke sends requests to the endpoint, whatever comes of them.
func (b *endpointBench) invoke(n int) {
	b.Helper()
	for range n {
		_, err := b.c.runtime.InvokeEndpoint(b.Context(), &sagemakerruntime.InvokeEndpointInput{
			EndpointName: sdk.String("bench--churn"), Body: []byte("{}"), ContentType: sdk.String("application/json"),
		}, func(o *sagemakerruntime.Options) { o.Retryer = sdk.NopRetryer{} })
		if answer, ok := errors.AsType[*runtimetypes.ModelError](err); err != nil && !ok {
			b.Fatalf("%v, %v", err, answer)
		}
	}
}

// TestEndpointShadowWaits proves that a shadow with too few requests is left to wait
// for more.
func TestEndpointShadowWaits(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 0)
	b.create(b.spec(b.version("first")))
	change, _ := b.cast(b.spec(b.version("second"), shadowing(&mlops.Gates{MinRequests: 4})))
	b.baked(change, 61*time.Minute)
	for range 3 {
		if err := b.kind.Advance(t.Context(), change.Ref); err != nil {
			t.Fatal(err)
		}
	}
	if seen, err := b.kind.Get(t.Context(), change.Ref); err != nil || seen.Phase != mlops.PhasePending || !seen.Due {
		t.Errorf("it is %s, due %t, because %q: %v", seen.Phase, seen.Due, seen.Reason, err)
	}
	b.invoke(8)
	settledReady(t, b.backend.ModelEndpoints(), change)
	b.destroy(change.Ref)
}

// TestEndpointShadowFails proves that what served serves on, and nothing else is left,
// wherever SageMaker does not go along.
func TestEndpointShadowFails(t *testing.T) {
	t.Parallel()
	unhealthy := func(b *endpointBench) {
		var serving string
		b.account.World.SetHooks(aws.Hooks{FailModel: func(model string) string {
			if serving == "" {
				serving = model // production variants come first
			}
			return map[bool]string{true: "It did not pass the ping health check."}[model != serving]
		}})
	}
	refused := func(skip int) func(*endpointBench) {
		return func(b *endpointBench) {
			b.account.Inject(aws.Rule{Service: "sagemaker", Operation: "UpdateEndpoint", Skip: skip, Fault: &aws.Fault{
				Code: "ResourceLimitExceeded", Message: "The account-level service limit 'ml.m5.large for endpoint usage' is 1 Instances.",
			}})
		}
	}
	for _, test := range []struct {
		name          string
		before, baked func(*endpointBench)
		want          string
	}{
		{"the shadow does not start", unhealthy, nil, "ping health check"},
		{"the shadow is refused", refused(0), nil, "service limit"},
		{"the move is refused", nil, refused(0), "service limit"},
		{"the move is taken back", nil, func(b *endpointBench) {
			fresh := *b.shadowModel()
			b.account.World.SetHooks(aws.Hooks{FailModel: func(model string) string {
				return map[bool]string{true: "It did not pass the ping health check."}[model == fresh]
			}})
		}, "ping health check"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newEndpointBench(t, 1)
			first := b.create(b.spec(b.version("first")))
			next := b.spec(b.version("second"), shadowing(nil))
			if test.before != nil {
				test.before(b)
				// A refusal is told by the call, too.
				if _, err := b.kind.Update(t.Context(), next.ID(), next); err != nil && !strings.Contains(err.Error(), test.want) {
					t.Fatal(err)
				}
			} else {
				change, _ := b.cast(next)
				test.baked(b)
				b.baked(change, time.Hour)
			}
			seen := settledAt(t, b.backend.ModelEndpoints(), next.ID())
			if seen.Phase != mlops.PhaseReady || seen.Revision != first.Revision || !strings.Contains(seen.Reason, test.want) {
				t.Errorf("it is %s at %q because %q, want ready at %q because %q", seen.Phase, seen.Revision, seen.Reason, first.Revision, test.want)
			}
			if n := len(b.describe().ShadowProductionVariants); n != 0 {
				t.Errorf("%d shadows are left", n)
			}
			b.account.Heal()
			b.account.World.SetHooks(aws.Hooks{})
			again, _ := b.cast(next)
			b.baked(again, time.Hour)
			settledReady(t, b.backend.ModelEndpoints(), again)
			b.wantParts(again.Ref, 1, 1, 0)
			b.destroy(again.Ref)
		})
	}
}

// TestEndpointShadowSmokes proves that a smoke test is sent when a shadow serves, and
// that what served before is in force again where it fails.
func TestEndpointShadowSmokes(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 1)
	tested := func(s *mlops.ModelEndpointSpec) {
		s.SmokeTest = &mlops.SmokeTest{Request: "{}", Status: http.StatusOK}
	}
	first := b.create(b.spec(b.version("first"), tested))
	change, _ := b.cast(b.spec(b.version("second"), tested, shadowing(nil)))
	b.account.World.SetHooks(aws.Hooks{Invoke: func(aws.Invocation) (int, []byte) { return http.StatusInternalServerError, []byte("no such column") }})
	b.baked(change, time.Hour)
	seen := settledAt(t, b.backend.ModelEndpoints(), change.Ref)
	if seen.Phase != mlops.PhaseReady || seen.Revision != first.Revision || !strings.Contains(seen.Reason, "got 500") {
		t.Errorf("it is %s at %q because %q, want ready at %q", seen.Phase, seen.Revision, seen.Reason, first.Revision)
	}
	b.wantParts(change.Ref, 1, 1, 0)
	b.destroy(change.Ref)
}

// shadowModel is the model of the shadow that the endpoint has.
func (b *endpointBench) shadowModel() *string {
	b.Helper()
	out, err := b.c.sagemaker.DescribeEndpointConfig(b.Context(), &sagemaker.DescribeEndpointConfigInput{EndpointConfigName: b.describe().EndpointConfigName})
	if err != nil || len(out.ShadowProductionVariants) != 1 {
		b.Fatalf("no shadow: %v", err)
	}
	return out.ShadowProductionVariants[0].ModelName
}

// TestEndpointShadowChangeOfMind proves that another change, or the deletion, ends a
// shadow.
func TestEndpointShadowChangeOfMind(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*endpointBench, mlops.ID, mlops.ID)
	}{
		{"back", func(b *endpointBench, first, _ mlops.ID) { b.wantReady(b.update(b.spec(first))) }},
		{"another version", func(b *endpointBench, _, third mlops.ID) { b.wantReady(b.update(b.spec(third, canary))) }},
		{"another shadow", func(b *endpointBench, _, third mlops.ID) {
			change, _ := b.cast(b.spec(third, shadowing(nil)))
			b.baked(change, time.Hour)
			settledReady(b.T, b.backend.ModelEndpoints(), change)
		}},
		{"away", func(*endpointBench, mlops.ID, mlops.ID) {}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newEndpointBench(t, 1)
			first, second, third := b.version("first"), b.version("second"), b.version("third")
			made := b.create(b.spec(first))
			b.cast(b.spec(second, shadowing(nil)))
			test.change(b, first, third)
			b.destroy(made.Ref)
		})
	}
}

// TestEndpointShadowOfNothing proves that a change that brings no other servers has no
// shadow, and that one of two variants can have none.
func TestEndpointShadowOfNothing(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 1)
	first, second := b.version("first"), b.version("second")
	made := b.create(b.spec(first))
	b.account.ResetCalls()
	captured := b.spec(first, shadowing(nil))
	captured.Capture = &mlops.Capture{SamplePercent: 10}
	b.wantReady(b.update(captured))
	if n := b.account.Calls()["sagemaker.UpdateEndpoint"]; n != 1 {
		t.Errorf("%d updates for a capture, want 1", n)
	}
	two := b.spec(first)
	two.Variants = map[string]mlops.Variant{"main": {Version: first, Traffic: 50}, "other": {Version: second, Traffic: 50}}
	b.wantReady(b.update(two))
	if _, err := b.kind.Update(t.Context(), made.Ref, b.spec(second, shadowing(nil))); !wantsField(err, "rollout.strategy") {
		t.Errorf("a shadow of two variants: %v", err)
	}
	b.destroy(made.Ref)
}

func TestToShadow(t *testing.T) {
	t.Parallel()
	variant := func(name, model, machine string) types.ProductionVariant {
		return types.ProductionVariant{VariantName: &name, ModelName: &model, InstanceType: types.ProductionVariantInstanceType(machine), InitialVariantWeight: sdk.Float32(1)}
	}
	long := strings.Repeat("x", 63)
	for _, test := range []struct {
		name          string
		serves, comes types.ProductionVariant
		want, key     string // name of the shadow; "" is none
	}{
		{"another model", variant("a", "one", "ml.m5.large"), variant("a", "two", "ml.m5.large"), "a-shadow", "key"},
		{"another machine", variant("a", "one", "ml.m5.large"), variant("b", "one", "ml.c5.large"), "b-shadow", "key"},
		{"the same", variant("a", "one", "ml.m5.large"), variant("a", "one", "ml.m5.large"), "", ""},
		{"disk of its own", variant("a", "one", "ml.m5.large"), variant("a", "two", "ml.g5.xlarge"), "a-shadow", ""},
		{"long name", variant(long, "one", "ml.m5.large"), variant(long, "two", "ml.m5.large"), long[:56] + "-shadow", "key"},
		{"name taken", variant("a-shadow", "one", "ml.m5.large"), variant("a", "two", "ml.m5.large"), "a-shadow-shadow", "key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			former := &sagemaker.DescribeEndpointConfigOutput{ProductionVariants: []types.ProductionVariant{test.serves}, KmsKeyId: sdk.String("key")}
			got := toShadow(former, &sagemaker.CreateEndpointConfigInput{ProductionVariants: []types.ProductionVariant{test.comes}}, 20)
			if got == nil {
				if test.want != "" {
					t.Errorf("no shadow, want %q", test.want)
				}
				return
			}
			v := got.ShadowProductionVariants[0]
			if *v.VariantName != test.want || *v.InitialVariantWeight != 20 || *got.ProductionVariants[0].InitialVariantWeight != 100 || sdk.ToString(got.KmsKeyId) != test.key {
				t.Errorf("the shadow is %s of weight %v, key %q", *v.VariantName, *v.InitialVariantWeight, sdk.ToString(got.KmsKeyId))
			}
		})
	}
}
