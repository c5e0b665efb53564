package kubernetes

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestEndpointCanary proves that a rollout that the provider drives moves the weights
// of the route step by step, between the servers that stay: the new ones are started
// once, although their variant is renamed at the end.
func TestEndpointCanary(t *testing.T) {
	t.Parallel()
	s := newServing(t, nil)
	spec := s.endpoint("canary", s.version("custom", "s3://bucket/a"))
	s.ready(s.create(spec), spec)
	next := s.endpoint("canary", s.version("custom", "s3://bucket/b"))
	next.Rollout = &mlops.Rollout{Strategy: mlops.RolloutCanary, Steps: []int64{10, 50}, Bake: mlops.Duration(time.Second), KeepPrevious: new(mlops.Duration)}
	var weights []int64
	var servers []string
	target := lifecycle.Target[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{
		Kind: s.kind, Code: s.kind.Code, Backend: name, Noun: mlops.NounModelEndpoint, Capabilities: capabilities(),
		Saw: func(seen endpointObserved) {
			for variant, of := range seen.Status.Serving {
				if of.Version != next.Variants["main"].Version || seen.Phase != mlops.PhaseReady {
					continue
				}
				if !slices.Contains(weights, of.Traffic) {
					weights = append(weights, of.Traffic)
				}
				if server := seen.Native["inference_service_"+variant]; !slices.Contains(servers, server) {
					servers = append(servers, server)
				}
			}
		},
	}
	seen, err := target.Update(t.Context(), spec.ID(), next, func(mlops.Change) {})
	if err != nil {
		t.Fatal(err)
	}
	s.ready(seen, next)
	if diff := cmp.Diff([]int64{10, 50, 100}, weights); diff != "" {
		t.Errorf("weights of the new version (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(s.services(), servers); diff != "" {
		t.Errorf("servers of the new version (-want +got):\n%s", diff)
	}
}

// TestEndpointCanaryGoesBack proves that a rollout which fails keeps nothing warm: what
// failed is no quick way back, and its user waits for the end.
func TestEndpointCanaryGoesBack(t *testing.T) {
	t.Parallel()
	s := newServing(t, nil)
	rollout := &mlops.Rollout{
		Strategy: mlops.RolloutCanary, Steps: []int64{10}, Bake: mlops.Duration(time.Second),
		Gates:        &mlops.Gates{MaxErrorPercent: new(1.0), Wait: mlops.Duration(time.Second)}, // nobody measures here
		KeepPrevious: new(mlops.Duration(time.Hour)),
	}
	spec := s.endpoint("back", s.version("custom", "s3://bucket/a"))
	spec.Rollout = rollout
	s.ready(s.create(spec), spec)
	before := s.services()
	next := s.endpoint("back", s.version("custom", "s3://bucket/b"))
	next.Rollout = rollout
	target := lifecycle.Target[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{
		Kind: s.kind, Code: s.kind.Code, Backend: name, Noun: mlops.NounModelEndpoint, Capabilities: capabilities(),
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	_, err := target.Update(ctx, spec.ID(), next, func(mlops.Change) {})
	if err == nil || !strings.Contains(err.Error(), "what served before has all of the traffic again") {
		t.Fatalf("error %v", err)
	}
	if diff := cmp.Diff(before, s.services()); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
}

// TestEndpointKeepsPrevious proves that what served before stays warm for as long as is
// asked for, gets no requests, and is the way back without a new pod.
func TestEndpointKeepsPrevious(t *testing.T) {
	t.Parallel()
	s := newServing(t, nil)
	spec := s.endpoint("kept", s.version("custom", "s3://bucket/a"))
	before := s.create(spec)
	s.ready(before, spec)
	old := s.services()[0]
	made := control.Get(t, s.serviceRef(old)).GetUID()

	next := s.endpoint("kept", s.version("custom", "s3://bucket/b"))
	next.Rollout = &mlops.Rollout{Strategy: mlops.RolloutBlueGreen, KeepPrevious: new(mlops.Duration(time.Hour))}
	change, err := s.kind.Update(t.Context(), spec.ID(), next)
	if err != nil {
		t.Fatal(err)
	}
	s.until(change.Ref, "what served before is kept until")
	if names := s.services(); len(names) != 2 || !slices.Contains(names, old) {
		t.Errorf("there are %v, want %s and another", names, old)
	}
	for range 20 {
		if status, went := ask(t, before.Status.URL); status != 200 || went.Service == predictor(old) {
			t.Fatalf("a request went to %s (%d), which is kept and does not serve", went.Service, status)
		}
	}

	s.ready(s.update(spec), spec)
	if names := s.services(); len(names) != 1 || names[0] != old || control.Get(t, s.serviceRef(old)).GetUID() != made {
		t.Errorf("back there are %v, want %s as it was", names, old)
	}

	*next.Rollout.KeepPrevious = mlops.Duration(2 * time.Second)
	s.ready(s.update(next), next)
	if names := s.services(); len(names) != 1 || names[0] == old {
		t.Errorf("in the end there are %v, want the new one alone", names)
	}
}

// TestEndpointWaitsForWhatGoes proves that a change is over when what it removed is gone,
// so that the next one can ask for it anew.
func TestEndpointWaitsForWhatGoes(t *testing.T) {
	t.Parallel()
	s := newServing(t, nil)
	spec := s.endpoint("going", s.version("custom", "s3://bucket/a"))
	s.ready(s.create(spec), spec)
	old := s.serviceRef(s.services()[0])
	finalizers := control.Get(t, old).GetFinalizers()
	control.Patch(t, old, `{metadata: {finalizers: [`+strings.Join(append(finalizers, "example.com/hold"), ", ")+`]}}`)

	next := s.endpoint("going", s.version("custom", "s3://bucket/b"))
	change, err := s.kind.Update(t.Context(), spec.ID(), next)
	if err != nil {
		t.Fatal(err)
	}
	s.until(change.Ref, old.Name+", which is not needed any more, is being removed")
	control.Wait(t, old, "held by the test alone", func(o *unstructured.Unstructured) bool { return len(o.GetFinalizers()) == 1 })
	control.Patch(t, old, `{metadata: {finalizers: null}}`)
	s.ready(s.settle(change.Ref), next)
	s.ready(s.update(spec), spec)
}

// until looks, and takes the steps that are due, until an endpoint says something.
func (s serving) until(ref mlops.ID, words string) {
	s.Helper()
	var last string
	for range looks(2 * time.Minute) {
		seen, err := s.kind.Get(s.Context(), ref)
		if err != nil {
			s.Fatal(err)
		}
		if last = seen.Reason; strings.Contains(last, words) {
			return
		}
		if err := s.advance(ref, seen); err != nil && !s.kind.is(err, mlops.Conflict) {
			s.Fatal(err)
		}
	}
	s.Fatalf("%s never says %q: %s", ref, words, last)
}
