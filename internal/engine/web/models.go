package web

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// modelPage lists a model's versions, newest first.
func (c Config) modelPage(ctx context.Context, id mlops.ID) (page, error) {
	o, err := c.Models.Get(ctx, id)
	if err != nil {
		return page{}, err
	}
	versions, err := listed(ctx, c.ModelVersions, id, "Versions", []string{"Version", "Approval", "Aliases", "Digest", "Made"},
		func(v mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus]) []cell {
			return []cell{
				linkTo(v.Ref, v.Status.Version), badge(v.Spec.Approval), text(strings.Join(v.Spec.Aliases, ", ")),
				digest(v.Status.Digest), when(v.Status.CreatedAt),
			}
		})
	slices.Reverse(versions.Table.Rows)
	return page{Title: o.Spec.Name, State: phase(o.Phase), Sections: []section{{Text: o.Spec.Description}, versions}}, err
}

// versionPage shows a version with its evidence.
func (c Config) versionPage(ctx context.Context, id mlops.ID) (page, error) {
	o, err := c.ModelVersions.Get(ctx, id)
	if err != nil {
		return page{}, err
	}
	facts := []fact{
		{"Digest", mono(o.Status.Digest)},
		{"Format", text(o.Spec.Format)},
		{"Approval", badge(o.Spec.Approval)},
		{"Made", when(o.Status.CreatedAt)},
		{"Lineage", cell{Text: "dataset to endpoint", Link: pathOf("lineage", id)}},
	}
	if o.Spec.Run != "" {
		facts = append(facts, fact{"Run", linkTo(o.Spec.Run, o.Spec.Run.Parent().Name()+"/"+o.Spec.Run.Name())})
	}
	p := page{Title: id.Parent().Name() + " " + o.Status.Version, State: phase(o.Phase), Sections: []section{
		{Text: o.Spec.Description, Facts: facts}, metricTable(o.Status.Metrics),
	}}
	if e := o.Spec.Promotion; e != nil {
		p.Sections = append(p.Sections, promotionSection(e))
	}
	return p, nil
}

func promotionSection(e *mlops.Promotion) section {
	t := &table{Caption: "Gates", Head: []string{"Gate", "Judged", "Why"}, Empty: "No gates."}
	for _, g := range e.Gates {
		judged := badge("failed")
		if g.Passed {
			judged = badge("ok")
		}
		t.Rows = append(t.Rows, []cell{text(g.Gate), judged, text(g.Detail)})
	}
	return section{Title: "Promotion", Table: t, Facts: []fact{
		{"From", linkTo(e.From, string(e.From))}, {"Approved by", text(e.ApprovedBy)}, {"Made by", text(e.By)}, {"At", when(e.At)},
	}}
}

// datasetPage shows a dataset's statistics, checks and history.
func (c Config) datasetPage(ctx context.Context, id mlops.ID) (page, error) {
	o, err := c.Datasets.Get(ctx, id)
	if err != nil {
		return page{}, err
	}
	s := o.Status
	stats := &table{
		Caption: "Columns", Empty: "No statistics.",
		Head: []string{"Column", "Type", "Values", "Missing", "Distinct", "Least", "Median", "Greatest", "Mean", "Deviation"},
	}
	for _, name := range slices.Sorted(maps.Keys(s.Statistics)) {
		k := s.Statistics[name]
		stats.Rows = append(stats.Rows, []cell{
			text(name), text(k.Type), number(k.Count), number(k.Missing), number(k.Distinct),
			measured(k.Min), measured(k.P50), measured(k.Max), measured(k.Mean), measured(k.Std),
		})
	}
	violations := &table{Caption: "Violations", Head: []string{"Violation"}, Empty: "No check is violated."}
	for _, v := range s.Violations {
		violations.Rows = append(violations.Rows, []cell{text(v)})
	}
	history := &table{Caption: "Versions", Head: []string{"Version", "Rows", "Digest", "Made"}, Empty: "None."}
	for _, v := range s.History {
		history.Rows = append(history.Rows, []cell{text(v.Version), number(v.Rows), digest(v.Digest), when(v.CreatedAt)})
	}
	return page{Title: o.Spec.Name, State: phase(o.Phase), Sections: []section{
		{Text: o.Spec.Description, Facts: []fact{
			{"Version", text(s.Version)},
			{"Rows", number(s.Rows)},
			{"Digest", mono(s.Digest)},
			{"Lineage", cell{Text: "dataset to endpoint", Link: pathOf("lineage", id)}},
		}},
		{Title: "Columns", Table: stats},
		{Title: "Checks", Table: violations},
		{Title: "Versions", Table: history},
	}}, nil
}
