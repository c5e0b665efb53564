package lifecycle

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Tracer finds out what came from what.
type Tracer struct {
	// Open returns a backend by its name: a chain may lead to another one.
	Open func(ctx context.Context, name string) (mlops.Backend, error)
}

// Trace returns what an object came from, and what came from it. For a model
// that is said of its versions, for an environment of all that it has. It reads
// whole environments: that of the object, those that versions were promoted
// from, and those of the same backend that versions were promoted to.
//
// What something refers to and is not there any more, or on a backend that
// cannot be reached, is in the result as gone. Only the object itself must be
// there: else the code is NotFound.
func (t Tracer) Trace(ctx context.Context, id mlops.ID) (mlops.LineageGraph, error) {
	walk := &trace{Tracer: t, backends: map[string]mlops.Backend{}, read: map[mlops.ID]bool{}, nodes: map[mlops.ID]mlops.LineageNode{}, parents: map[mlops.ID]bool{}}
	if err := walk.environment(ctx, id.Environment()); err != nil {
		return mlops.LineageGraph{}, err
	}
	if err := walk.promotedElsewhere(ctx, id.Environment()); err != nil {
		return mlops.LineageGraph{}, err
	}
	ids, err := walk.starts(id)
	if err != nil {
		return mlops.LineageGraph{}, err
	}
	return walk.graph().Around(ids...), nil
}

// trace is what one Trace has found so far.
type trace struct {
	Tracer

	backends map[string]mlops.Backend
	read     map[mlops.ID]bool // environments
	nodes    map[mlops.ID]mlops.LineageNode
	parents  map[mlops.ID]bool // models and environments that are there
	edges    []mlops.LineageEdge
}

func (t *trace) open(ctx context.Context, name string) (mlops.Backend, error) {
	if b, ok := t.backends[name]; ok {
		return b, nil
	}
	b, err := t.Open(ctx, name)
	if err == nil {
		t.backends[name] = b
	}
	return b, err
}

// environment reads all that an environment has, and the environments that its
// versions were promoted from.
func (t *trace) environment(ctx context.Context, id mlops.ID) error {
	if t.read[id] {
		return nil
	}
	t.read[id] = true
	b, err := t.open(ctx, id.Backend())
	if err != nil {
		return err
	}
	environments := Target[mlops.EnvironmentSpec, mlops.EnvironmentStatus]{Kind: b.Environments(), Code: b.Code, Backend: id.Backend(), Noun: mlops.NounEnvironment}
	if _, err := environments.Read(ctx, id); err != nil {
		return err
	}
	t.parents[id] = true
	for _, read := range []func(context.Context, mlops.Backend, mlops.ID) error{
		t.experiments, t.datasets, t.pipelines, t.models, t.endpoints, t.monitors,
	} {
		if err := read(ctx, b, id); err != nil {
			return err
		}
	}
	return t.sources(ctx)
}

// sources reads the environments that promotions point back to. One that cannot
// be read hides a part of the chain, and no more.
func (t *trace) sources(ctx context.Context) error {
	for _, e := range slices.Clone(t.edges) {
		from := e.From.Environment()
		if e.Relation != mlops.RelationPromoted || t.read[from] {
			continue
		}
		if err := t.environment(ctx, from); err != nil {
			if ctx.Err() != nil {
				return err
			}
			t.nodes[e.From] = mlops.LineageNode{ID: e.From, Noun: mlops.NounModelVersion, Gone: true, Detail: "out of reach: " + mlops.Message(err)}
		}
	}
	return nil
}

// promotedElsewhere reads the other environments of a backend that have a
// version from those that were read, again and again while there are more. Where
// they cannot be listed, or one of them cannot be read, the chain ends there: they
// are not what was asked for, and may be somebody else's.
func (t *trace) promotedElsewhere(ctx context.Context, id mlops.ID) error {
	b, err := t.open(ctx, id.Backend())
	if err != nil {
		return err
	}
	environments, err := listed(ctx, b, "", mlops.NounEnvironment, b.Environments())
	if err != nil {
		return ctx.Err()
	}
	for found := true; found; {
		found = false
		for _, e := range environments {
			if t.read[e.Ref] {
				continue
			}
			from, err := t.hasFrom(ctx, b, e.Ref)
			if err == nil && from {
				found = true
				err = t.environment(ctx, e.Ref)
			}
			if err != nil && ctx.Err() != nil {
				return err
			}
		}
	}
	return nil
}

// hasFrom reports whether an environment has a version that was promoted from
// one that was read.
func (t *trace) hasFrom(ctx context.Context, b mlops.Backend, environment mlops.ID) (bool, error) {
	models, err := listed(ctx, b, environment, mlops.NounModel, b.Models())
	if err != nil {
		return false, err
	}
	for _, m := range models {
		versions, err := listed(ctx, b, m.Ref, mlops.NounModelVersion, b.ModelVersions())
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(versions, func(v versionSeen) bool {
			return v.Spec.Promotion != nil && t.read[v.Spec.Promotion.From.Environment()]
		}) {
			return true, nil
		}
	}
	return false, nil
}

func (t *trace) experiments(ctx context.Context, b mlops.Backend, environment mlops.ID) error {
	all, err := listed(ctx, b, environment, mlops.NounExperiment, b.Experiments())
	for _, o := range all {
		t.node(mlops.LineageNode{ID: o.Ref, Noun: mlops.NounExperiment, Detail: o.Spec.Description, At: o.Status.CreatedAt})
	}
	return err
}

func (t *trace) datasets(ctx context.Context, b mlops.Backend, environment mlops.ID) error {
	all, err := listed(ctx, b, environment, mlops.NounDataset, b.Datasets())
	for _, o := range all {
		t.node(mlops.LineageNode{ID: o.Ref, Noun: mlops.NounDataset, Detail: fmt.Sprintf("version %s, %d rows", o.Status.Version, o.Status.Rows), Digest: o.Status.Digest, At: o.Status.CreatedAt})
		t.edge(o.Spec.Run, o.Ref, mlops.RelationMade)
	}
	return err
}

func (t *trace) pipelines(ctx context.Context, b mlops.Backend, environment mlops.ID) error {
	all, err := listed(ctx, b, environment, mlops.NounPipeline, b.Pipelines())
	if err != nil {
		return err
	}
	for _, o := range all {
		t.node(mlops.LineageNode{ID: o.Ref, Noun: mlops.NounPipeline, Detail: fmt.Sprintf("%d steps", len(o.Spec.Steps)), Digest: o.Spec.Version()})
		t.edge(o.Spec.Experiment, o.Ref, mlops.RelationTracks)
		if err := t.runs(ctx, b, o.Ref); err != nil {
			return err
		}
	}
	return nil
}

func (t *trace) runs(ctx context.Context, b mlops.Backend, pipeline mlops.ID) error {
	all, err := listed(ctx, b, pipeline, mlops.NounPipelineRun, b.PipelineRuns())
	for _, o := range all {
		t.node(mlops.LineageNode{ID: o.Ref, Noun: mlops.NounPipelineRun, Detail: string(o.Status.State), At: o.Status.StartedAt})
		t.edge(pipeline, o.Ref, mlops.RelationRan)
		if o.Status.Lineage == nil {
			continue
		}
		for _, d := range slices.Sorted(maps.Keys(o.Status.Lineage.Datasets)) {
			t.edge(d, o.Ref, mlops.RelationRead)
		}
	}
	return err
}

func (t *trace) models(ctx context.Context, b mlops.Backend, environment mlops.ID) error {
	all, err := listed(ctx, b, environment, mlops.NounModel, b.Models())
	if err != nil {
		return err
	}
	for _, m := range all {
		t.parents[m.Ref] = true
		versions, err := listed(ctx, b, m.Ref, mlops.NounModelVersion, b.ModelVersions())
		if err != nil {
			return err
		}
		for _, o := range versions {
			t.node(mlops.LineageNode{ID: o.Ref, Noun: mlops.NounModelVersion, Detail: o.Spec.Approval, Digest: o.Status.Digest, At: o.Status.CreatedAt})
			t.edge(o.Spec.Run, o.Ref, mlops.RelationMade)
			if p := o.Spec.Promotion; p != nil {
				t.edge(p.From, o.Ref, mlops.RelationPromoted)
			}
		}
	}
	return nil
}

func (t *trace) endpoints(ctx context.Context, b mlops.Backend, environment mlops.ID) error {
	all, err := listed(ctx, b, environment, mlops.NounModelEndpoint, b.ModelEndpoints())
	for _, o := range all {
		t.node(mlops.LineageNode{ID: o.Ref, Noun: mlops.NounModelEndpoint, Detail: string(o.Phase)})
		for _, variant := range slices.Sorted(maps.Keys(o.Status.Serving)) {
			t.edge(o.Status.Serving[variant].Version, o.Ref, mlops.RelationServed)
		}
	}
	return err
}

func (t *trace) monitors(ctx context.Context, b mlops.Backend, environment mlops.ID) error {
	all, err := listed(ctx, b, environment, mlops.NounMonitor, b.Monitors())
	for _, o := range all {
		t.node(mlops.LineageNode{ID: o.Ref, Noun: mlops.NounMonitor, Detail: string(o.Status.State)})
		t.edge(o.Spec.Endpoint, o.Ref, mlops.RelationWatched)
		if base := o.Spec.Baseline; base != nil {
			t.edge(base.Dataset, o.Ref, mlops.RelationBaseline)
			t.edge(base.Run, o.Ref, mlops.RelationBaseline)
		}
	}
	return err
}

func (t *trace) node(n mlops.LineageNode) { t.nodes[n.ID] = n }

func (t *trace) edge(from, to mlops.ID, relation string) {
	e := mlops.LineageEdge{From: from, To: to, Relation: relation}
	if from != "" && !slices.Contains(t.edges, e) {
		t.edges = append(t.edges, e)
	}
}

// starts are the objects that an ID stands for.
func (t *trace) starts(id mlops.ID) ([]mlops.ID, error) {
	parsed, err := id.Parse()
	if err != nil {
		return nil, mlops.NewError(mlops.Invalid, err)
	}
	if _, ok := t.nodes[id]; ok {
		return []mlops.ID{id}, nil
	}
	var out []mlops.ID
	for one := range t.nodes {
		if one.Parent() == id || parsed.Noun == mlops.NounEnvironment && one.Environment() == id {
			out = append(out, one)
		}
	}
	if !t.parents[id] {
		return nil, &mlops.Error{Code: mlops.NotFound, Op: opRead, Resource: parsed.Noun, Name: id, Backend: parsed.Backend, Err: fmt.Errorf("there is no %s %q", parsed.Noun.Words(), id)}
	}
	return out, nil
}

// graph is all that was found, with what is referred to and gone.
func (t *trace) graph() mlops.LineageGraph {
	for _, e := range t.edges {
		for _, id := range []mlops.ID{e.From, e.To} {
			if _, ok := t.nodes[id]; ok {
				continue
			}
			parsed, err := id.Parse()
			if err == nil {
				t.node(mlops.LineageNode{ID: id, Noun: parsed.Noun, Gone: true, Detail: "not there any more"})
			}
		}
	}
	return mlops.LineageGraph{Nodes: slices.Collect(maps.Values(t.nodes)), Edges: t.edges}
}
