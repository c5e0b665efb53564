package web

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// lineagePage draws where an object comes from and where it went.
func (c Config) lineagePage(ctx context.Context, id mlops.ID) (page, error) {
	parsed, err := id.Parse()
	if err != nil {
		return page{}, mlops.NewError(mlops.Invalid, err)
	}
	w := walk{Config: c, follows: map[mlops.ID][]mlops.ID{}, notes: map[mlops.ID]node{}}
	if err := w.all(ctx); err != nil {
		return page{}, err
	}
	near := w.near(id)
	sections := []section{{Table: w.table(near)}}
	if len(near) <= mostDrawn {
		sections[0].Graph = w.draw(id, near)
	} else {
		sections[0].Text = fmt.Sprintf("%d objects are too many for a picture; here they are as a table.", len(near))
		sections[0].Table.Folded = false
	}
	return page{
		Title: "Lineage of " + w.node(id).Label, Kind: parsed.Noun.Words(), Trail: append(trail(id), linkTo(id, id.Name())), Sections: sections,
	}, nil
}

// mostDrawn is how many objects a picture has: more are a wall of boxes.
const mostDrawn = 60

func (w *walk) draw(about mlops.ID, near []mlops.ID) *graph {
	nodes := make([]node, 0, len(near))
	follows := map[string][]string{}
	for _, id := range near {
		n := w.node(id)
		n.Here = id == about
		nodes = append(nodes, n)
		for _, from := range w.follows[id] {
			follows[string(id)] = append(follows[string(id)], string(from))
		}
	}
	return arrange("Lineage", nodes, follows)
}

func (w *walk) table(near []mlops.ID) *table {
	t := &table{Caption: "Lineage", Head: []string{"Name", "What", "Follows from"}, Empty: "Nothing is known of it.", Folded: true}
	for _, id := range near {
		var from []string
		for _, f := range w.follows[id] {
			from = append(from, string(f))
		}
		t.Rows = append(t.Rows, []cell{linkTo(id, string(id)), text(kindOf(id)), text(strings.Join(from, ", "))})
	}
	return t
}

// walk knows what follows from what, of all that the engine has.
type walk struct {
	Config

	follows map[mlops.ID][]mlops.ID
	notes   map[mlops.ID]node
}

// all reads every link there is: they are few, and stored with what comes last.
func (w *walk) all(ctx context.Context) error {
	environments, err := w.Environments.List(ctx, "")
	for _, e := range environments {
		for _, read := range []func(context.Context, mlops.ID) error{w.datasets, w.runs, w.versions, w.endpoints} {
			if err := read(ctx, e.Ref); err != nil {
				return err
			}
		}
	}
	return err
}

func (w *walk) link(to, from mlops.ID) {
	if from != "" && !slices.Contains(w.follows[to], from) {
		w.follows[to] = append(w.follows[to], from)
	}
}

func (w *walk) datasets(ctx context.Context, environment mlops.ID) error {
	all, err := w.Datasets.List(ctx, environment)
	for _, o := range all {
		w.notes[o.Ref] = node{Note: "dataset, version " + o.Status.Version, State: string(o.Phase), Label: o.Spec.Name}
		w.link(o.Ref, o.Spec.Run)
	}
	return err
}

func (w *walk) runs(ctx context.Context, environment mlops.ID) error {
	all, err := w.PipelineRuns.List(ctx, environment)
	for _, o := range all {
		w.notes[o.Ref] = node{Note: "run, " + string(o.Status.State), State: string(o.Status.State), Label: o.Spec.Pipeline.Name() + " " + o.Status.Run}
		w.link(o.Ref, o.Spec.Pipeline)
		if o.Status.Lineage == nil {
			continue
		}
		for _, d := range slices.Sorted(maps.Keys(o.Status.Lineage.Datasets)) {
			w.link(o.Ref, d)
		}
	}
	return err
}

func (w *walk) versions(ctx context.Context, environment mlops.ID) error {
	all, err := w.ModelVersions.List(ctx, environment)
	for _, o := range all {
		w.notes[o.Ref] = node{Note: "version in " + environment.Name(), Label: o.Ref.Parent().Name() + " " + o.Status.Version}
		w.link(o.Ref, o.Spec.Run)
		if e := o.Spec.Promotion; e != nil {
			w.link(o.Ref, e.From)
		}
	}
	return err
}

func (w *walk) endpoints(ctx context.Context, environment mlops.ID) error {
	all, err := w.ModelEndpoints.List(ctx, environment)
	for _, o := range all {
		w.notes[o.Ref] = node{Note: "endpoint in " + environment.Name(), State: string(o.Phase), Label: o.Spec.Name}
		for _, variant := range slices.Sorted(maps.Keys(o.Status.Serving)) {
			w.link(o.Ref, o.Status.Serving[variant].Version)
		}
		if r := o.Status.Rollout; r != nil && r.EndedAt.IsZero() {
			for _, variant := range slices.Sorted(maps.Keys(r.Candidate)) {
				w.link(o.Ref, r.Candidate[variant].Version)
			}
		}
	}
	return err
}

// near returns what an object follows from, what follows from it, and what else
// that follows from, by ID.
func (w *walk) near(id mlops.ID) []mlops.ID {
	later := map[mlops.ID][]mlops.ID{}
	for to, from := range w.follows {
		for _, f := range from {
			later[f] = append(later[f], to)
		}
	}
	found := map[mlops.ID]bool{}
	reach(found, later, id)
	all := map[mlops.ID]bool{}
	for one := range found {
		reach(all, w.follows, one)
	}
	return slices.Sorted(maps.Keys(all))
}

// reach adds all that links lead to from an ID.
func reach(found map[mlops.ID]bool, links map[mlops.ID][]mlops.ID, from mlops.ID) {
	if found[from] {
		return
	}
	found[from] = true
	for _, next := range links[from] {
		reach(found, links, next)
	}
}

func (w *walk) node(id mlops.ID) node {
	n := w.notes[id]
	if n.Label == "" {
		n.Label, n.Note = id.Name(), kindOf(id)
	}
	n.Key, n.Link = string(id), pathOf("", id)
	return n
}

func kindOf(id mlops.ID) string {
	parsed, err := id.Parse()
	if err != nil {
		return ""
	}
	return parsed.Noun.Words()
}
