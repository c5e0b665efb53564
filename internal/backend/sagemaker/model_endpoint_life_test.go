package sagemaker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// unserialised passes over the SDK's marks of structs.
func unserialised() cmp.Option {
	return cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".noSmithyDocumentSerde" }, cmp.Ignore())
}

// canary is a guarded rollout.
func canary(s *mlops.ModelEndpointSpec) {
	s.Rollout = &mlops.Rollout{
		Strategy: mlops.RolloutCanary, Bake: mlops.Duration(2 * time.Minute), KeepPrevious: new(mlops.Duration(0)),
		Gates: &mlops.Gates{MaxErrorPercent: new(1.0), MaxP95: mlops.Duration(300 * time.Millisecond), MinRequests: 20},
	}
}

// TestEndpointRollsByCanary proves that a rollout is SageMaker's own, guarded by an
// alarm for each gate, and that what was replaced is removed after it.
func TestEndpointRollsByCanary(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 1)
	first := b.create(b.spec(b.version("first"), canary))
	b.wantParts(first.Ref, 1, 1, 0)
	change, seen := b.update(b.spec(b.version("second"), canary))
	b.wantReady(change, seen)
	b.wantParts(first.Ref, 1, 1, 2)

	out, err := b.c.sagemaker.DescribeEndpoint(t.Context(), &sagemaker.DescribeEndpointInput{EndpointName: sdk.String("bench--churn")})
	if err != nil {
		t.Fatal(err)
	}
	want := &smtypes.TrafficRoutingConfig{
		Type: smtypes.TrafficRoutingConfigTypeCanary, WaitIntervalInSeconds: sdk.Int32(120),
		CanarySize: &smtypes.CapacitySize{Type: smtypes.CapacitySizeTypeCapacityPercent, Value: sdk.Int32(10)},
	}
	got := out.LastDeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration
	if diff := cmp.Diff(want, got, unserialised()); diff != "" {
		t.Errorf("routing (-want +got):\n%s", diff)
	}
	if n := len(out.LastDeploymentConfig.AutoRollbackConfiguration.Alarms); n != 2 {
		t.Errorf("%d alarms guard the rollout, want 2", n)
	}
	r := seen.Status.Rollout
	if r == nil || r.State != mlops.RolloutDone || r.Percent != 100 || r.Revision != change.Revision {
		t.Errorf("the rollout is %+v", r)
	}
	if diff := cmp.Diff(first.Status.Serving["main"].Version, seen.Status.Previous["main"].Version); diff != "" {
		t.Errorf("previous version (-want +got):\n%s", diff)
	}
	b.destroy(first.Ref)
}

// TestEndpointGateBreaks proves that an alarm takes a rollout back, and that the
// endpoint then says which gate it was.
func TestEndpointGateBreaks(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 3)
	first := b.create(b.spec(b.version("first"), canary))
	next := b.spec(b.version("second"), canary)
	if _, err := b.kind.Update(t.Context(), next.ID(), next); err != nil {
		t.Fatal(err)
	}
	for gate := range endpointAlarms(scene{name: "bench--churn"}, next) {
		_, err := b.c.cloudwatch.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{
			AlarmName: &gate, StateValue: types.StateValueAlarm, StateReason: sdk.String("3 of 20 requests failed"),
		})
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	seen := settledAt(t, b.backend.ModelEndpoints(), next.ID())
	if seen.Phase != mlops.PhaseReady || seen.Revision != first.Revision || !strings.Contains(seen.Reason, "ALARM") || !strings.Contains(seen.Reason, "max_") {
		t.Errorf("it is %s at %q because %q, want ready at %q because of an alarm", seen.Phase, seen.Revision, seen.Reason, first.Revision)
	}
	if r := seen.Status.Rollout; r == nil || r.State != mlops.RolloutRolledBack || r.Reason == "" {
		t.Errorf("the rollout is %+v", r)
	}
	if diff := cmp.Diff(first.Status.Serving, seen.Status.Serving); diff != "" {
		t.Errorf("serving (-before +after):\n%s", diff)
	}
	b.wantParts(first.Ref, 1, 1, 2)
	b.destroy(first.Ref)
}

// TestEndpointThatFails proves that what SageMaker says of a failed endpoint is
// told, and that the next change makes it anew: SageMaker can but delete it.
func TestEndpointThatFails(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 1)
	bad, good := b.version("bad"), b.version("good")
	failing := true
	b.account.World.SetHooks(aws.Hooks{FailModel: func(string) string {
		if failing {
			return "The primary container did not pass the ping health check."
		}
		return ""
	}})
	change, err := b.kind.Create(t.Context(), b.spec(bad))
	if err != nil {
		t.Fatal(err)
	}
	seen := settledAt(t, b.backend.ModelEndpoints(), change.Ref)
	if seen.Phase != mlops.PhaseFailed || seen.Revision != change.Revision || !strings.Contains(seen.Reason, "ping health check") {
		t.Fatalf("it is %s at %q because %q", seen.Phase, seen.Revision, seen.Reason)
	}
	failing = false
	again, after := b.update(b.spec(good))
	b.wantReady(again, after)
	if got := after.Status.Serving["main"].Version; got != good {
		t.Errorf("serves %q, want %q", got, good)
	}
	b.wantParts(change.Ref, 1, 1, 0)
	b.destroy(change.Ref)
}

// TestEndpointRetriesSame proves that a failed endpoint can be asked for once more,
// unchanged: what was wrong may have been elsewhere.
func TestEndpointRetriesSame(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 1)
	failing := true
	b.account.World.SetHooks(aws.Hooks{FailModel: func(string) string {
		return map[bool]string{true: "Insufficient capacity"}[failing]
	}})
	spec := b.spec(b.version("same"))
	change, err := b.kind.Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if seen := settledAt(t, b.backend.ModelEndpoints(), change.Ref); seen.Phase != mlops.PhaseFailed {
		t.Fatalf("it is %s", seen.Phase)
	}
	failing = false
	b.create(spec)
	b.destroy(change.Ref)
}

// TestEndpointChangeOfMind proves that the last change wins, also while what had
// failed is deleted to be made again.
func TestEndpointChangeOfMind(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		between int // looks and steps
	}{{"at once", 0}, {"while it is deleted", 2}, {"when it is gone", 4}, {"when it is made", 5}, {"when it is made again", 6}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newEndpointBench(t, 1)
			first, second := b.version("first"), b.version("second")
			failing := true
			b.account.World.SetHooks(aws.Hooks{FailModel: func(string) string { return map[bool]string{true: "It did not start."}[failing] }})
			change, err := b.kind.Create(t.Context(), b.spec(first))
			if err != nil {
				t.Fatal(err)
			}
			settledAt(t, b.backend.ModelEndpoints(), change.Ref)
			failing = false
			b.update2(b.spec(first), b.spec(second), test.between)
			b.wantParts(change.Ref, 1, 1, 0)
			b.destroy(change.Ref)
		})
	}
}

// update2 asks for one change and then for another, after so many looks.
func (b *endpointBench) update2(one, two mlops.ModelEndpointSpec, looks int) {
	b.Helper()
	if _, err := b.kind.Update(b.Context(), one.ID(), one); err != nil {
		b.Fatal(err)
	}
	for range looks {
		seen, err := b.kind.Get(b.Context(), one.ID())
		if err == nil && seen.Due {
			err = b.kind.Advance(b.Context(), one.ID())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	change, seen := b.update(two)
	b.wantReady(change, seen)
	for name, v := range two.Variants {
		if got := seen.Status.Serving[name].Version; got != v.Version {
			b.Errorf("%s serves %q, want %q", name, got, v.Version)
		}
	}
}

// TestEndpointUpdateFails proves that a change that SageMaker takes back leaves what
// served, with SageMaker's words or without any.
func TestEndpointUpdateFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		silent bool
		want   string
	}{
		{"with words", false, "ping health check"},
		{"without words", true, "former configuration"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newEndpointBench(t, 1)
			first := b.create(b.spec(b.version("first")))
			bad := ""
			b.account.World.SetHooks(aws.Hooks{SilentRollback: test.silent, FailModel: func(model string) string {
				if bad == "" || model == bad {
					bad = model
					return "It did not pass the ping health check."
				}
				return ""
			}})
			change, seen := b.update(b.spec(b.version("second")))
			if seen.Phase != mlops.PhaseReady || seen.Revision != first.Revision || !strings.Contains(seen.Reason, test.want) {
				t.Errorf("it is %s at %q because %q; asked %q", seen.Phase, seen.Revision, seen.Reason, change.Revision)
			}
			b.wantParts(first.Ref, 1, 1, 0)
			b.account.World.SetHooks(aws.Hooks{})
			again, after := b.update(b.spec(b.version("second")))
			b.wantReady(again, after)
		})
	}
}

// TestEndpointScales proves that the autoscaler has its bounds, keeps its count when
// another version comes, and lets go of what gets a fixed number.
func TestEndpointScales(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 1)
	scaled := func(least, most int64) func(*mlops.ModelEndpointSpec) {
		return func(s *mlops.ModelEndpointSpec) {
			v := s.Variants["main"]
			v.Scaling = &mlops.Scaling{Min: &least, Max: &most, Concurrency: new(int64(5))}
			s.Variants["main"] = v
		}
	}
	version := b.version("first")
	ref := b.create(b.spec(version, scaled(1, 4))).Ref
	b.wantTargets("1-4")
	if !b.account.World.ScaleVariant("bench--churn", "main", 3) {
		t.Fatal("there is no variant to scale")
	}
	change, seen := b.update(b.spec(b.version("second"), scaled(1, 6)))
	b.wantReady(change, seen)
	b.wantTargets("1-6")
	if got := seen.Status.Replicas["main"]; got != 3 {
		t.Errorf("%d replicas after a change, want the 3 that the autoscaler chose", got)
	}
	before := b.account.Calls()["sagemaker.UpdateEndpoint"]
	change, seen = b.update(b.spec(b.version("second"), scaled(1, 5)))
	b.wantReady(change, seen)
	b.wantTargets("1-5")
	if after := b.account.Calls()["sagemaker.UpdateEndpoint"]; after != before {
		t.Error("other bounds updated the endpoint")
	}
	change, seen = b.update(b.spec(b.version("second"), scaled(2, 2)))
	b.wantReady(change, seen)
	b.wantTargets()
	if got := seen.Status.Replicas["main"]; got != 2 {
		t.Errorf("%d replicas, want 2", got)
	}
	b.destroy(ref)
}

// wantTargets insists on the bounds that the autoscaler has.
func (b *endpointBench) wantTargets(want ...string) {
	b.Helper()
	out, err := b.c.autoscaling.DescribeScalableTargets(b.Context(), &applicationautoscaling.DescribeScalableTargetsInput{
		ServiceNamespace: scalingtypes.ServiceNamespaceSagemaker,
	})
	if err != nil {
		b.Fatal(err)
	}
	got := []string{}
	for _, target := range out.ScalableTargets {
		got = append(got, fmt.Sprintf("%d-%d", *target.MinCapacity, *target.MaxCapacity))
	}
	if !slices.Equal(got, append([]string{}, want...)) {
		b.Errorf("the autoscaler has %v, want %v", got, want)
	}
}
