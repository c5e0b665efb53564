package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// counted is an environment with endpoints in a cluster without KServe, which the test
// plays, and of which every request that the backend makes is counted.
type counted struct {
	*testing.T

	cluster     *kubetest.Cluster
	shelf       *shelf
	environment mlops.ID
	version     mlops.ID
}

func newCounted(t *testing.T) counted {
	t.Helper()
	c := counted{T: t, cluster: &kubetest.Cluster{}, shelf: &shelf{versions: map[mlops.ID]mlops.ModelVersionSpec{}}}
	t.Cleanup(func() {
		if err := c.cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	c.cluster.Start(t)
	spec := mlops.EnvironmentSpec{
		ID: mlops.EnvironmentID(name, []string{testCluster}, "counted"), Name: "counted", Stage: "dev", Labels: map[string]string{},
		Target: mlops.Target{Backend: name, Settings: mlops.Settings{targetGateway: (&kubetest.Gateway{}).Start(t, c.cluster)}},
	}
	if _, err := c.open("setup").Environments().Create(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	c.environment = spec.ID
	version, err := shelvedVersions{c.shelf}.Create(t.Context(), mlops.ModelVersionSpec{
		Model: spec.ID.Child(mlops.NounModel, "m"), ArtifactURI: "s3://bucket/m", Format: "custom", Image: "registry.example.com/serve:1", Approval: "approved",
	})
	if err != nil {
		t.Fatal(err)
	}
	c.version = version.Ref
	return c
}

// open opens the backend anew, as the next plan would, under a version that its
// requests are told by.
func (c counted) open(version string) shelved {
	access := c.cluster.Counted()
	return shelved{open(mlops.Options{Owner: "us", Version: version, Settings: mlops.Settings{
		settingHost: access.Host, settingToken: access.Token, settingCA: string(access.CA), settingCluster: testCluster,
		settingQPS: int64(1000), settingBurst: int64(1000),
	}}), c.shelf}
}

// insist compares what the backend of a version asked for, and how many times. How
// often it reads what all endpoints share, the environment and the gateway, is a matter
// of time.
func (c counted) insist(version string, want map[string]int) {
	c.Helper()
	all, err := c.cluster.Calls(agent + "/" + version)
	if err != nil {
		c.Fatal(err)
	}
	got := map[string]int{}
	for _, call := range all {
		if !slices.Contains([]string{"get namespaces", "get configmaps", "get gateways"}, call.String()) {
			got[call.String()]++
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		c.Errorf("%s: calls (-want +got):\n%s", version, diff)
	}
}

func (c counted) endpoint(i int) mlops.ModelEndpointSpec {
	return mlops.ModelEndpointSpec{
		Environment: c.environment, Name: fmt.Sprintf("e%03d", i), Labels: map[string]string{},
		Variants: map[string]mlops.Variant{"main": {Version: c.version, Traffic: 100}},
	}
}

// each does something with the endpoints of some numbers, a few at a time.
func (c counted) each(first, end int, do func(ctx context.Context, spec mlops.ModelEndpointSpec) error) {
	c.Helper()
	work, ctx := errgroup.WithContext(c.Context())
	work.SetLimit(8)
	for i := first; i < end; i++ {
		work.Go(func() error { return do(ctx, c.endpoint(i)) })
	}
	if err := work.Wait(); err != nil {
		c.Fatal(err)
	}
}

// refresh reads endpoints as the provider of a plan does.
func (c counted) refresh(version string, n int) {
	c.Helper()
	b, reads := c.open(version), lifecycle.NewReads()
	c.each(0, n, func(ctx context.Context, spec mlops.ModelEndpointSpec) error {
		target := lifecycle.Target[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{
			Kind: b.ModelEndpoints(), Code: b.Code, Backend: name, Noun: mlops.NounModelEndpoint, Reads: reads, Capabilities: capabilities(),
		}
		seen, err := target.Read(ctx, spec.ID())
		if err == nil && seen.Spec.Name != spec.Name {
			err = fmt.Errorf("%s was read as %+v", spec.ID(), seen)
		}
		return err
	})
}

// ready says in KServe's place that the servers are ready.
func (c counted) ready() {
	c.Helper()
	for _, o := range c.cluster.List(c, "inferenceservices.serving.kserve.io", "counted", "") {
		c.cluster.Patch(c, kubetest.Ref{Resource: "inferenceservices.serving.kserve.io", Namespace: "counted", Name: o.GetName()}, `{status: {conditions: [{type: Ready, status: "True"}]}}`, "status")
	}
}

// settle takes steps of endpoints until they are done.
func (c counted) settle(b shelved, n int) {
	c.Helper()
	k, _ := b.ModelEndpoints().(modelEndpointKind)
	c.each(0, n, func(ctx context.Context, spec mlops.ModelEndpointSpec) error {
		for range looks(2 * time.Minute) {
			seen, err := k.Get(ctx, spec.ID())
			if err != nil || seen.Phase == mlops.PhaseReady {
				return err
			}
			if err := k.Advance(ctx, spec.ID()); err != nil && !k.is(err, mlops.Conflict) {
				return err
			}
		}
		return errors.New(spec.Name + " never settled")
	})
}

// TestEndpointCalls proves what an endpoint costs an API server, and that refreshing a
// hundred costs what refreshing ten does: while they start, and when they serve.
func TestEndpointCalls(t *testing.T) {
	t.Parallel()
	c := newCounted(t)
	preflight, _ := c.open("preflight").ModelEndpoints().(modelEndpointKind)
	if err := preflight.Preflight(t.Context(), c.endpoint(0), mlops.NewChecker()); err != nil {
		t.Fatal(err)
	}
	c.insist("preflight", map[string]int{
		"get /apis/gateway.networking.k8s.io/v1": 1, "get /apis/serving.kserve.io/v1beta1": 1, "get httproutes": 1,
		"patch inferenceservices without effect": 1, "patch httproutes without effect": 1,
	})
	create := c.open("create")
	fill := func(ctx context.Context, spec mlops.ModelEndpointSpec) error {
		_, err := create.ModelEndpoints().Create(ctx, spec)
		return err
	}
	c.each(0, 1, fill)
	c.insist("create", map[string]int{
		"get /apis/gateway.networking.k8s.io/v1": 1, "get /apis/serving.kserve.io/v1beta1": 1, "get httproutes": 1, "get inferenceservices": 1,
		"create httproutes": 1, "patch inferenceservices": 1,
		"patch httproutes": 2, // the claim is a conflict, with nobody but the provider itself
	})
	waiting := map[string]int{"get httproutes": 1, "list inferenceservices": 1, "list pods": 1}
	c.refresh("get-waiting", 1)
	c.insist("get-waiting", waiting)

	c.each(1, 10, fill)
	c.refresh("waiting-10", 10)
	c.each(10, 100, fill)
	c.refresh("waiting-100", 100)
	c.ready()
	c.settle(c.open("settle"), 100)
	c.refresh("serving-10", 10)
	c.refresh("serving-100", 100)
	listed := map[string]int{"list httproutes": 1, "list inferenceservices": 1, "list deployments": 1}
	atRest := map[string]int{"get httproutes": 1, "list inferenceservices": 1, "list deployments": 1}
	for _, n := range []string{"10", "100"} {
		c.insist("waiting-"+n, with(waiting, listed, map[string]int{"list pods": 1}))
		c.insist("serving-"+n, with(atRest, listed))
	}
}

// with adds up calls.
func with(all ...map[string]int) map[string]int {
	out := map[string]int{}
	for _, one := range all {
		for call, n := range one {
			out[call] += n
		}
	}
	return out
}
