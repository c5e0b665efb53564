package kubernetes

import (
	"context"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops/mlopstest"
)

// TestRegistryConformance runs the suite for models and versions with a real API server,
// in environments whose registry is a real MLflow server.
func TestRegistryConformance(t *testing.T) {
	t.Parallel()
	control.Start(t, kubetest.Controllers)
	mlopstest.Run(t, mlopstest.Harness{
		Factory: Factory(), NewWorld: newRegistryWorld, Patience: 2 * time.Minute,
		Nouns: []mlops.Noun{mlops.NounModel, mlops.NounModelVersion},
	})
}

func newRegistryWorld(t *testing.T) mlopstest.World {
	t.Helper()
	w := newWorld(t)
	uri := tracking.URI(t)
	w.Adapt = atServer(uri)
	w.Open = func(t *testing.T, owner string) mlops.Backend {
		t.Helper()
		return sharing{openAs(owner), uri}
	}
	return w
}

// atServer has a sample with a registry name a server that is there.
func atServer(uri string) func(spec any) any {
	return func(spec any) any {
		if e, ok := spec.(mlops.EnvironmentSpec); ok && e.MLflowRegistry() != nil {
			e.Registry.MLflow.URI = uri
		}
		return spec
	}
}

// sharing is a backend whose environments have a registry, of which the suite does not
// know.
type sharing struct {
	*backend

	uri string
}

func (b sharing) Environments() mlops.Kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus] {
	return sharingEnvironments{environmentKind{b.backend}, b.uri}
}

type sharingEnvironments struct {
	environmentKind

	uri string
}

func (k sharingEnvironments) with(spec mlops.EnvironmentSpec) mlops.EnvironmentSpec {
	if spec.Registry == nil {
		spec.Registry = &mlops.Registry{MLflow: &mlops.MLflow{URI: k.uri}}
	}
	return spec
}

func (k sharingEnvironments) Create(ctx context.Context, spec mlops.EnvironmentSpec) (mlops.Change, error) {
	return k.environmentKind.Create(ctx, k.with(spec))
}

func (k sharingEnvironments) Update(ctx context.Context, ref mlops.ID, spec mlops.EnvironmentSpec) (mlops.Change, error) {
	return k.environmentKind.Update(ctx, ref, k.with(spec))
}
