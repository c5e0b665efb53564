package kubernetes

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops/mlopstest"
)

// TestRegistryConformance runs the suite for models and versions with a real API server,
// in environments whose registry is a real MLflow server.
func TestRegistryConformance(t *testing.T) {
	t.Parallel()
	control.Start(t, kubetest.Argo)
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
	for i := range environmentsOfWorld {
		control.Play(t, fmt.Sprintf("%ssuite-%d", w.Prefix, i+1), keepOutputs(t))
	}
	w.Open = func(t *testing.T, owner string) mlops.Backend {
		t.Helper()
		return sharing{openAs(owner), uri}
	}
	return w
}

// keepOutputs plays steps whose outputs go to an MLflow server: Argo's executor, which
// does not run, would pack each and send it there by one request.
func keepOutputs(t *testing.T) func(*unstructured.Unstructured) kubetest.Outcome {
	t.Helper()
	e := estate{T: t}
	return func(pod *unstructured.Unstructured) kubetest.Outcome {
		if outputs := stepOf(pod).Outputs; outputs != nil {
			for _, a := range outputs.Artifacts {
				if status := e.send(http.MethodPut, a, packed(t, a.Name, "bytes of "+a.Name), nil); status != http.StatusOK {
					t.Errorf("MLflow answers %d to %s", status, a.HTTP.URL)
				}
			}
		}
		return playStep(pod)
	}
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
