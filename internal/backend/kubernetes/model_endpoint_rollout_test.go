package kubernetes

import (
	"slices"
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
