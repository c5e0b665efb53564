package kubernetes

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
		Gates: &mlops.Gates{MaxErrorPercent: new(1.0), Wait: mlops.Duration(time.Second)}, // nobody measures here
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
	ctx, cancel := context.WithTimeout(t.Context(), mlops.DefaultPrevious/2)
	defer cancel()
	_, err := target.Update(ctx, spec.ID(), next, func(mlops.Change) {})
	if err == nil || !strings.Contains(err.Error(), "what served before has all of the traffic again") {
		t.Fatalf("error %v", err)
	}
	if diff := cmp.Diff(before, s.services()); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
}
