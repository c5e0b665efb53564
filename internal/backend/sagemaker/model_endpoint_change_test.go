package sagemaker

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// TestEndpointChangesInPlace proves which changes leave the machines alone.
func TestEndpointChangesInPlace(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 1)
	first, second := b.version("first"), b.version("second")
	split := func(share int64, labels map[string]string) mlops.ModelEndpointSpec {
		return b.spec(first, func(s *mlops.ModelEndpointSpec) {
			s.Variants = map[string]mlops.Variant{"main": {Version: first, Traffic: 100 - share}, "other": {Version: second, Traffic: share}}
			s.Labels = labels
		})
	}
	made := b.create(split(10, map[string]string{"team": "a", "old": "yes"}))
	for _, test := range []struct {
		name             string
		spec             mlops.ModelEndpointSpec
		updates, weights int
	}{
		{"labels", split(10, map[string]string{"team": "b"}), 0, 0},
		{"weights", split(50, map[string]string{"team": "b"}), 0, 1},
		{"weights to nothing", split(0, map[string]string{"team": "b"}), 0, 1},
	} {
		b.account.ResetCalls()
		change, err := b.kind.Update(t.Context(), made.Ref, test.spec)
		if err != nil {
			t.Fatal(err)
		}
		now, err := b.kind.Get(t.Context(), made.Ref)
		if atOnce := test.weights == 0; err != nil || (now.Phase == mlops.PhaseReady) != atOnce {
			t.Errorf("%s: it is %s (%v) right after the change", test.name, now.Phase, err)
		}
		seen := settledReady(t, b.backend.ModelEndpoints(), change)
		calls := b.account.Calls()
		if got := calls["sagemaker.UpdateEndpoint"]; got != test.updates {
			t.Errorf("%s: %d calls of UpdateEndpoint, want %d", test.name, got, test.updates)
		}
		if got := calls["sagemaker.UpdateEndpointWeightsAndCapacities"]; got != test.weights {
			t.Errorf("%s: %d calls for weights, want %d", test.name, got, test.weights)
		}
		if got, want := seen.Native["endpoint_config_name"], made.Native["endpoint_config_name"]; got != want {
			t.Errorf("%s: the configuration is %q, was %q", test.name, got, want)
		}
		for variant, v := range test.spec.Variants {
			if got := seen.Status.Serving[variant]; got.Traffic != v.Traffic || got.Version != v.Version {
				t.Errorf("%s: %s serves %+v, want %d %% of %s", test.name, variant, got, v.Traffic, v.Version)
			}
		}
	}
	s, err := b.kind.scene(t.Context(), made.Ref)
	if err != nil {
		t.Fatal(err)
	}
	tags, err := sagemakerTagsOf(t.Context(), s.c, s.arn)
	if err != nil {
		t.Fatal(err)
	}
	if _, stays := tags["old"]; stays || tags["team"] != "b" {
		t.Errorf("the labels are tags %v", slices.Sorted(maps.Keys(tags)))
	}
}

// TestEndpointDrift proves that what others did to an endpoint is shown, and put
// right by the next change.
func TestEndpointDrift(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 0)
	first, second := b.version("first"), b.version("second")
	spec := b.spec(first, func(s *mlops.ModelEndpointSpec) {
		s.Variants = map[string]mlops.Variant{"main": {Version: first, Traffic: 90}, "other": {Version: second, Traffic: 10}}
	})
	made := b.create(spec)
	_, err := b.c.sagemaker.UpdateEndpointWeightsAndCapacities(t.Context(), &sagemaker.UpdateEndpointWeightsAndCapacitiesInput{
		EndpointName: sdk.String("bench--churn"),
		DesiredWeightsAndCapacities: []smtypes.DesiredWeightAndCapacity{
			{VariantName: sdk.String("main"), DesiredWeight: sdk.Float32(1)}, {VariantName: sdk.String("other"), DesiredWeight: sdk.Float32(3)},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := settledAt(t, b.backend.ModelEndpoints(), made.Ref)
	if seen.Revision == made.Revision || seen.Spec.Variants["main"].Traffic != 25 || seen.Spec.Variants["other"].Traffic != 75 {
		t.Errorf("at %q it has %+v", seen.Revision, seen.Spec.Variants)
	}
	change, after := b.update(spec)
	b.wantReady(change, after)

	strange := &sagemaker.CreateEndpointConfigInput{EndpointConfigName: sdk.String("by-hand")}
	models, err := b.c.sagemaker.ListModels(t.Context(), &sagemaker.ListModelsInput{})
	if err != nil {
		t.Fatal(err)
	}
	strange.ProductionVariants = []smtypes.ProductionVariant{{
		VariantName: sdk.String("main"), ModelName: models.Models[0].ModelName, InitialInstanceCount: sdk.Int32(1), InstanceType: smtypes.ProductionVariantInstanceTypeMlM5Large,
	}}
	if _, err := b.c.sagemaker.CreateEndpointConfig(t.Context(), strange); err != nil {
		t.Fatal(err)
	}
	if _, err := b.c.sagemaker.UpdateEndpoint(t.Context(), &sagemaker.UpdateEndpointInput{EndpointName: sdk.String("bench--churn"), EndpointConfigName: strange.EndpointConfigName}); err != nil {
		t.Fatal(err)
	}
	seen = settledAt(t, b.backend.ModelEndpoints(), made.Ref)
	if seen.Revision == made.Revision || !strings.Contains(seen.Reason, "by-hand") || len(seen.Spec.Variants) != 1 {
		t.Errorf("at %q because %q it has %+v", seen.Revision, seen.Reason, seen.Spec.Variants)
	}
	change, after = b.update(spec)
	b.wantReady(change, after)
	b.destroy(made.Ref)
}

// TestEndpointSmokeTest proves that a version that answers wrong does not stay, on
// any variant, and that one that passed is not asked again.
func TestEndpointSmokeTest(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 1)
	tested := func(s *mlops.ModelEndpointSpec) {
		s.SmokeTest = &mlops.SmokeTest{Request: `{"instances": [[1]]}`, Status: http.StatusOK}
	}
	first := b.create(b.spec(b.version("first"), tested))
	b.account.World.SetHooks(aws.Hooks{Invoke: func(aws.Invocation) (int, []byte) { return http.StatusInternalServerError, []byte("no such column") }})
	_, seen := b.update(b.spec(b.version("second"), tested))
	if seen.Phase != mlops.PhaseReady || seen.Revision != first.Revision || !strings.Contains(seen.Reason, "got 500") {
		t.Errorf("it is %s at %q because %q, want ready at %q", seen.Phase, seen.Revision, seen.Reason, first.Revision)
	}
	if err := b.kind.Probe(t.Context(), first.Ref, "main"); !b.backend.is(err, mlops.Failed) || !strings.Contains(err.Error(), "500") {
		t.Errorf("probe: %v, want failed with the status", err)
	}
	b.account.World.SetHooks(aws.Hooks{})
	if err := b.kind.Probe(t.Context(), first.Ref, "main"); err != nil {
		t.Errorf("probe: %v", err)
	}
	b.account.ResetCalls()
	labelled := b.spec(first.Spec.Variants["main"].Version, tested)
	labelled.Labels = map[string]string{"team": "b"}
	change, after := b.update(labelled)
	b.wantReady(change, after)
	if n := b.account.Calls()["runtime.sagemaker.InvokeEndpoint"]; n != 0 {
		t.Errorf("%d requests for a change of labels", n)
	}
}

// TestEndpointSmokeTestChanges proves that another smoke test is to be passed too,
// though the machines stay; where it is not, the former is in force again.
func TestEndpointSmokeTestChanges(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 1)
	version := b.version("bytes")
	expect := func(status int64) mlops.ModelEndpointSpec {
		return b.spec(version, func(s *mlops.ModelEndpointSpec) { s.SmokeTest = &mlops.SmokeTest{Request: "{}", Status: status} })
	}
	first := b.create(b.spec(version))
	change, seen := b.update(expect(http.StatusOK))
	b.wantReady(change, seen)
	_, after := b.update(expect(http.StatusTeapot))
	if after.Phase != mlops.PhaseReady || after.Revision != change.Revision || !strings.Contains(after.Reason, "expected status 418") {
		t.Errorf("it is %s at %q because %q, want ready at %q", after.Phase, after.Revision, after.Reason, change.Revision)
	}
	if n := b.account.Calls()["sagemaker.UpdateEndpoint"]; n != 0 {
		t.Errorf("%d updates of the endpoint for other smoke tests", n)
	}
	change, seen = b.update(b.spec(version))
	b.wantReady(change, seen)
	b.destroy(first.Ref)
}

// TestEndpointFaultNames proves that what AWS refuses is told of the attribute that
// asked for it.
func TestEndpointFaultNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		operation string
		fault     aws.Fault
		code      mlops.Code
		want      string
	}{
		{"quota", "CreateEndpoint", aws.Fault{
			Code:    "ResourceLimitExceeded",
			Message: "The account-level service limit 'ml.g5.xlarge for endpoint usage' is 0 Instances, with current utilization of 0 Instances and a request delta of 1 Instances.",
		}, mlops.QuotaExceeded, `variants["main"].compute`},
		{"image", "CreateModel", aws.Fault{
			Code: "ValidationException", Message: "Requested image not found.",
		}, mlops.Invalid, `variants["main"].version`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newEndpointBench(t, 0)
			b.account.Inject(aws.Rule{Service: "sagemaker", Operation: test.operation, Fault: &test.fault})
			_, err := b.kind.Create(t.Context(), b.spec(b.version("bytes"), func(s *mlops.ModelEndpointSpec) {
				v := s.Variants["main"]
				v.Compute = &mlops.Compute{Native: "ml.g5.xlarge"}
				s.Variants["main"] = v
			}))
			e, ok := errors.AsType[*mlops.Error](err)
			if !ok || e.Code != test.code || e.Field != test.want || !strings.Contains(err.Error(), test.fault.Message) {
				t.Errorf("create: %v, want %s at %s", err, test.code, test.want)
			}
		})
	}
}

// TestEndpointListIsCheap proves that a list costs calls by the hundred, whatever
// the number of endpoints.
func TestEndpointListIsCheap(t *testing.T) {
	t.Parallel()
	const many = 120
	b := newEndpointBench(t, 0)
	for _, quota := range []string{"ml.m5.large for endpoint usage", "Number of instances across active endpoints"} {
		b.account.World.SetQuota(quota, many)
	}
	version := b.version("bytes")
	want := map[mlops.ID]string{}
	for i := range many {
		spec := b.spec(version)
		spec.Name = "e" + strings.Repeat("x", i%3) + string('a'+rune(i/26)) + string('a'+rune(i%26))
		seen := b.create(spec)
		want[seen.Ref] = seen.Revision
	}
	b.account.ResetCalls()
	all, err := b.kind.List(t.Context(), b.model.Environment())
	if err != nil {
		t.Fatal(err)
	}
	got := map[mlops.ID]string{}
	for _, seen := range all {
		got[seen.Ref] = seen.Revision
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("revisions (-want +got):\n%s", diff)
	}
	var calls int
	for _, n := range b.account.Calls() {
		calls += n
	}
	if calls > 6 {
		t.Errorf("%d calls for %d endpoints, want two for each hundred: %v", calls, many, b.account.Calls())
	}
	used, err := b.backend.endpointsOf(t.Context(), b.model.Environment())
	if err != nil || len(used) != many || !slices.Equal(used[0].Versions, []mlops.ID{version}) {
		t.Errorf("%d uses, %v", len(used), err)
	}
}
