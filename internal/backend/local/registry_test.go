package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/enginetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops/mlopstest"
)

// TestConformanceWithRegistry runs the suite with a real MLflow server as the
// registry of every environment.
func TestConformanceWithRegistry(t *testing.T) {
	t.Parallel()
	uri := server.URI(t)
	var worlds atomic.Int32
	mlopstest.Run(t, mlopstest.Harness{
		Factory: Factory(), Patience: 2 * time.Minute,
		NewWorld: func(t *testing.T) mlopstest.World {
			t.Helper()
			dir := filepath.Join(t.TempDir(), "engine")
			enginetest.Run(t, dir)
			return mlopstest.World{
				Prefix: fmt.Sprintf("w%d-", worlds.Add(1)), // they share the server
				Open: func(t *testing.T, owner string) mlops.Backend {
					t.Helper()
					return sharing{openIn(t, dir, owner), uri}
				},
				Command: []string{executable(t), asModelServer},
				Adapt:   atServer(uri),
			}
		},
	})
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

// sharing is a backend whose environments have a registry, of which the suite does
// not know.
type sharing struct {
	mlops.Backend

	uri string
}

func (b sharing) Environments() mlops.Kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus] {
	kind, _ := b.Backend.Environments().(environmentKind)
	return sharingEnvironments{kind, b.uri}
}

type seenEnvironment = mlops.Observed[mlops.EnvironmentSpec, mlops.EnvironmentStatus]

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

func (k sharingEnvironments) without(seen seenEnvironment) seenEnvironment {
	if m := seen.Spec.MLflowRegistry(); m != nil && m.Mark == "" {
		seen.Spec.Registry = nil
	}
	return seen
}

func (k sharingEnvironments) Create(ctx context.Context, spec mlops.EnvironmentSpec) (mlops.Change, error) {
	return k.environmentKind.Create(ctx, k.with(spec))
}

func (k sharingEnvironments) Update(ctx context.Context, ref mlops.ID, spec mlops.EnvironmentSpec) (mlops.Change, error) {
	return k.environmentKind.Update(ctx, ref, k.with(spec))
}

func (k sharingEnvironments) Get(ctx context.Context, ref mlops.ID) (seenEnvironment, error) {
	seen, err := k.environmentKind.Get(ctx, ref)
	return k.without(seen), err
}

func (k sharingEnvironments) List(ctx context.Context, parent mlops.ID) ([]seenEnvironment, error) {
	all, err := k.environmentKind.List(ctx, parent)
	for i := range all {
		all[i] = k.without(all[i])
	}
	return all, err
}

// TestRegistryAtPlan proves what is refused before anything is changed: a token that
// the server does not take, and a registry that would come or go below models.
func TestRegistryAtPlan(t *testing.T) {
	t.Parallel()
	gate := server.Gate(t, "s3cret")
	dir := filepath.Join(t.TempDir(), "engine")
	b := openIn(t, dir, "us")
	spec := mlops.EnvironmentSpec{ID: "local/at-plan", Name: "at-plan", Stage: "dev", Target: mlops.Target{Backend: name, Settings: mlops.Settings{}}}
	with := func(uri, token string) mlops.EnvironmentSpec {
		s := spec
		s.Registry = &mlops.Registry{MLflow: &mlops.MLflow{URI: uri, Token: token}}
		return s
	}
	wantProblem(t, b, with(gate.URI, "s3cret"), "", false)
	wantProblem(t, b, with(gate.URI, "wrong"), "registry.mlflow.token", false)
	wantProblem(t, b, with(gate.URI, ""), "registry.mlflow.token", false)
	wantProblem(t, b, with("http://127.0.0.1:1", ""), "registry.mlflow.uri", true)
	if _, err := os.Stat(dir); err == nil {
		t.Error("a plan made the engine's directory")
	}
	enginetest.Run(t, dir)
	if _, err := b.Environments().Create(t.Context(), with(gate.URI, "s3cret")); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, b, spec, "", false)
	if _, err := b.Models().Create(t.Context(), mlops.ModelSpec{Environment: spec.ID, Name: "m"}); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, b, spec, "registry", false)
	gate.Shut(true)
	wantProblem(t, b, spec, "registry", false)
	wantProblem(t, b, with(gate.URI, "s3cret"), "registry.mlflow.uri", true)
}

// wantProblem expects one problem at plan, at a path, or none.
func wantProblem(t *testing.T, b mlops.Backend, spec mlops.EnvironmentSpec, path string, warning bool) {
	t.Helper()
	c := mlops.NewChecker()
	checker, _ := b.Environments().(mlops.Preflighter[mlops.EnvironmentSpec])
	if err := checker.Preflight(t.Context(), spec, c); err != nil {
		t.Error(err)
	}
	got := c.Problems()
	if path == "" && len(got) == 0 {
		return
	}
	if len(got) != 1 || got[0].Path.String() != path || got[0].Warning != warning {
		t.Errorf("problems %v, want one at %q, a warning: %t", got, path, warning)
	}
}
