package lifecycle_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// chain is a whole service: dev has all of it, prod what was promoted.
type chain struct {
	*stack

	data, run, made, promoted, serving mlops.ID
	prod                               mlops.ID
}

func newChain(t *testing.T) *chain {
	t.Helper()
	s := newStack(t, 0)
	c := &chain{stack: s, prod: "memory/prod"}
	file := filepath.Join(t.TempDir(), "data.csv")
	if err := os.WriteFile(file, []byte("a,b\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.data = apply(t, s, mlops.NounDataset, s.backend.Datasets(), mlops.DatasetSpec{Environment: dev, Name: "customers", URI: file, Format: "csv"})
	pipeline := apply(t, s, mlops.NounPipeline, s.backend.Pipelines(), mlops.PipelineSpec{
		Environment: dev, Name: "fit",
		Steps: map[string]mlops.Step{"fit": {Command: []string{"true"}, Inputs: map[string]string{"data": string(c.data)}, Outputs: []string{"model"}}},
	})
	c.run = apply(t, s, mlops.NounPipelineRun, s.backend.PipelineRuns(), mlops.PipelineRunSpec{Pipeline: pipeline})
	c.made = apply(t, s, mlops.NounModelVersion, s.backend.ModelVersions(), mlops.ModelVersionSpec{
		Model: dev.Child(mlops.NounModel, "churn"), Run: c.run, Output: "model", Format: "sklearn", Approval: "approved",
	})
	apply(t, s, mlops.NounEnvironment, s.backend.Environments(), mlops.EnvironmentSpec{ID: c.prod, Name: "prod", Stage: "prod", Target: mlops.Target{Backend: "memory"}})
	model := apply(t, s, mlops.NounModel, s.backend.Models(), mlops.ModelSpec{Environment: c.prod, Name: "churn"})
	seen, err := s.backend.ModelVersions().Get(t.Context(), c.made)
	if err != nil {
		t.Fatal(err)
	}
	c.promoted = apply(t, s, mlops.NounModelVersion, s.backend.ModelVersions(), mlops.ModelVersionSpec{
		Model: model, ArtifactURI: seen.Status.URI, Format: "sklearn", Approval: "approved",
		Promotion: &mlops.Promotion{From: c.made, Digest: seen.Status.Digest},
	})
	c.serving = apply(t, s, mlops.NounModelEndpoint, s.backend.ModelEndpoints(), mlops.ModelEndpointSpec{
		Environment: c.prod, Name: "churn", Variants: map[string]mlops.Variant{"main": {Version: c.promoted, Traffic: 100}},
	})
	return c
}

func (c *chain) trace(t *testing.T, id mlops.ID) (nodes []string, graph mlops.LineageGraph) {
	t.Helper()
	tracer := lifecycle.Tracer{Open: func(_ context.Context, name string) (mlops.Backend, error) {
		if name != "memory" {
			return nil, errors.New("no way to " + name)
		}
		return c.backend, nil
	}}
	graph, err := tracer.Trace(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range graph.Nodes {
		nodes = append(nodes, strings.TrimPrefix(string(n.ID), "memory/"))
	}
	return nodes, graph
}

// TestTrace proves that the whole chain is found from either end of it, through
// a promotion, and that what is beside it is not.
func TestTrace(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	run := strings.TrimPrefix(string(c.run), "memory/")
	whole := []string{"dev/pipelines/fit", run, "dev/models/churn/versions/2", "prod/models/churn/versions/1", "prod/endpoints/churn"}
	tests := []struct {
		name string
		id   mlops.ID
		want []string
	}{
		{"from the end", c.serving, whole},
		{"from the middle", c.made, whole},
		{"of a model", c.prod.Child(mlops.NounModel, "churn"), whole},
		{"of what nothing came from", c.pipeline, []string{"dev/pipelines/train"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, _ := c.trace(t, tt.id)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("nodes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTraceRelations(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	_, graph := c.trace(t, c.promoted)
	got := map[mlops.ID]string{}
	for _, e := range graph.Edges {
		got[e.To] = e.Relation
	}
	want := map[mlops.ID]string{c.run: mlops.RelationRan, c.made: mlops.RelationMade, c.promoted: mlops.RelationPromoted, c.serving: mlops.RelationServed}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("relations (-want +got):\n%s", diff)
	}
}

// TestTraceShowsGaps proves that what is gone, or out of reach, ends a chain and
// nothing else.
func TestTraceShowsGaps(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.platform.Remove(c.made)
	_, graph := c.trace(t, c.serving)
	if n := graph.Nodes[0]; n.ID != c.made || !n.Gone || len(graph.Nodes) != 3 {
		t.Errorf("after its removal: %+v", graph.Nodes)
	}
	far := apply(t, c.stack, mlops.NounModelVersion, c.backend.ModelVersions(), mlops.ModelVersionSpec{
		Model: c.prod.Child(mlops.NounModel, "churn"), ArtifactURI: "far", Format: "onnx", Approval: "approved",
		Promotion: &mlops.Promotion{From: "local/dev/models/churn/versions/1", Digest: digestOf(t, c, "far")},
	})
	_, graph = c.trace(t, far)
	if n := graph.Nodes[0]; !n.Gone || !strings.Contains(n.Detail, "no way to local") {
		t.Errorf("what is out of reach is %+v", n)
	}
}

// closed are environments that nobody may list.
type closed struct{ mlops.Backend }

func (c closed) Environments() mlops.Kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus] {
	return closedKind{c.Backend.Environments()}
}

type closedKind struct {
	mlops.Kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus]
}

func (closedKind) List(context.Context, mlops.ID) ([]mlops.Observed[mlops.EnvironmentSpec, mlops.EnvironmentStatus], error) {
	return nil, mlops.NewError(mlops.PermissionDenied, errors.New("not yours to list"))
}

// TestTraceWhereNobodyLists proves that what may not be looked for elsewhere is left out,
// and what was asked for is not.
func TestTraceWhereNobodyLists(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.backend = closed{c.backend}
	got, _ := c.trace(t, c.made)
	if want := []string{"dev/pipelines/fit", strings.TrimPrefix(string(c.run), "memory/"), "dev/models/churn/versions/2"}; !cmp.Equal(want, got) {
		t.Errorf("nodes (-want +got):\n%s", cmp.Diff(want, got))
	}
}

// digestOf is the digest that memory gives bytes that are no file.
func digestOf(t *testing.T, c *chain, uri string) string {
	t.Helper()
	planner, _ := c.backend.ModelVersions().(mlops.Planner[mlops.ModelVersionSpec])
	digest, err := planner.Digest(t.Context(), mlops.ModelVersionSpec{ArtifactURI: uri})
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

func TestTraceOfNothing(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	tracer := lifecycle.Tracer{Open: func(context.Context, string) (mlops.Backend, error) { return c.backend, nil }}
	for _, id := range []mlops.ID{"memory/never", "memory/dev/models/never", "memory/dev/endpoints/never"} {
		if _, err := tracer.Trace(t.Context(), id); mlops.CodeOf(err) != mlops.NotFound {
			t.Errorf("%s: %v", id, err)
		}
	}
}
