package web

import (
	"context"
	"maps"
	"slices"

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
	var nodes []node
	follows := map[string][]string{}
	rows := &table{Caption: "Lineage", Head: []string{"What", "Name", "Follows from"}, Empty: "Nothing is known of it.", Folded: true}
	for _, n := range near {
		nodes = append(nodes, w.node(n))
		row := []cell{text(kindOf(n)), linkTo(n, string(n)), text("")}
		for _, from := range w.follows[n] {
			follows[string(n)] = append(follows[string(n)], string(from))
			row[2].Text += string(from) + " "
		}
		rows.Rows = append(rows.Rows, row)
	}
	return page{
		Title: "Lineage of " + id.Name(), Kind: parsed.Noun.Words(), Trail: append(trail(id), linkTo(id, id.Name())),
		Sections: []section{{Graph: arrange("Lineage", nodes, follows), Table: rows}},
	}, nil
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
		for _, read := range []func(context.Context, mlops.ID) error{w.runs, w.versions, w.endpoints} {
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
		w.notes[o.Ref] = node{Note: "version, " + digest(o.Status.Digest).Text, Label: o.Ref.Parent().Name() + " " + o.Status.Version}
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
	}
	return err
}

// near returns what id follows from and what follows from it, first things
// first.
func (w *walk) near(id mlops.ID) []mlops.ID {
	found := map[mlops.ID]bool{id: true}
	var up, down func(mlops.ID)
	up = func(at mlops.ID) {
		for _, from := range w.follows[at] {
			if !found[from] {
				found[from] = true
				up(from)
			}
		}
	}
	down = func(at mlops.ID) {
		for to, from := range w.follows {
			if slices.Contains(from, at) && !found[to] {
				found[to] = true
				down(to)
			}
		}
	}
	down(id)
	for _, one := range slices.Collect(maps.Keys(found)) {
		up(one)
	}
	return slices.Sorted(maps.Keys(found))
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
