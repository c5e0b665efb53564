package mlflow

import (
	"context"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/memory"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops/mlopstest"
)

// TestConformance runs the suite for models and versions that a real MLflow
// keeps; what they belong to is in memory.
func TestConformance(t *testing.T) {
	t.Parallel()
	uri := server.URI(t)
	factory := memory.Factory()
	factory.Capabilities.Features = maps.Clone(factory.Capabilities.Features)
	factory.Capabilities.Features[mlops.FeatureVersionRun] = mlops.Answer{Support: mlops.NotProvided, Note: "Nothing runs in memory."}
	var worlds atomic.Int32
	mlopstest.Run(t, mlopstest.Harness{
		Factory: factory,
		Nouns:   []mlops.Noun{mlops.NounModel, mlops.NounModelVersion},
		NewWorld: func(t *testing.T) mlopstest.World {
			t.Helper()
			world := memory.Factory() // a platform of its own
			registry := NewRegistry(connect(t, uri), findFile)
			return mlopstest.World{
				Prefix: fmt.Sprintf("w%d-", worlds.Add(1)),
				Open: func(t *testing.T, owner string) mlops.Backend {
					t.Helper()
					b, err := world.Open(t.Context(), mlops.Options{Owner: owner})
					if err != nil {
						t.Fatal(err)
					}
					return &backend{b, registry, owner, factory.Capabilities}
				},
			}
		},
	})
}

func connect(t *testing.T, uri string) *Client {
	t.Helper()
	c, err := NewClient(Options{URI: uri, UserAgent: "terraform-provider-mlops/test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// findFile finds files of this machine.
func findFile(ctx context.Context, spec mlops.ModelVersionSpec) (Found, error) {
	path := strings.TrimPrefix(spec.ArtifactURI, "file://")
	if _, err := os.Stat(path); err != nil {
		return Found{}, mlops.InvalidField("artifact_uri", "%w", err)
	}
	return Found{Path: path, Packages: spec.Packages, Metrics: spec.Metrics}, ctx.Err()
}

// backend is memory with its models and versions in MLflow.
type backend struct {
	mlops.Backend

	registry *Registry
	owner    string
	can      mlops.Capabilities
}

func (b *backend) Environments() mlops.Kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus] {
	return &environments{b.Backend.Environments(), b}
}

func (b *backend) Models() mlops.Kind[mlops.ModelSpec, mlops.ModelStatus] {
	return &admitted[mlops.ModelSpec, mlops.ModelStatus]{b.registry.Models(b.owner), b.can, mlops.NounModel}
}

func (b *backend) ModelVersions() mlops.Kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	return &admitted[mlops.ModelVersionSpec, mlops.ModelVersionStatus]{b.registry.ModelVersions(b.owner), b.can, mlops.NounModelVersion}
}

// environments keep what has models.
type environments struct {
	mlops.Kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus]

	backend *backend
}

func (e *environments) Delete(ctx context.Context, ref mlops.ID) error {
	models, err := e.backend.registry.Models("").List(ctx, ref)
	if err == nil && len(models) > 0 {
		err = refuse(mlops.Conflict, "%s has models", ref)
	}
	if err != nil {
		return err
	}
	return e.Kind.Delete(ctx, ref)
}

type lister[Spec, Status any] interface {
	mlops.Kind[Spec, Status]
	mlops.Lister[Spec, Status]
}

// admitted refuses what the backend's capabilities do, as every backend does.
type admitted[Spec mlops.Spec, Status any] struct {
	lister[Spec, Status]

	can  mlops.Capabilities
	noun mlops.Noun
}

func (a *admitted[Spec, Status]) Create(ctx context.Context, spec Spec) (mlops.Change, error) {
	name := ""
	if m, ok := any(spec).(mlops.ModelSpec); ok {
		name = m.Name
	}
	if err := a.can.Admit("memory", a.noun, name, spec); err != nil {
		return mlops.Change{}, err
	}
	return a.lister.Create(ctx, spec)
}
