package provider

import (
	"context"
	"strings"
	"text/tabwriter"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	dsschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// lineageLookup is the data source of what came from what.
type lineageLookup struct{ platforms *platforms }

func newLineageLookup() datasource.DataSource { return &lineageLookup{} }

type lineageGraphModel struct {
	ID    *string                     `tfsdk:"id"`
	Nodes map[string]lineageNodeModel `tfsdk:"nodes"`
	Edges map[string]lineageEdgeModel `tfsdk:"edges"`
	Table *string                     `tfsdk:"table"`
}

type lineageNodeModel struct {
	Noun   *string `tfsdk:"noun"`
	Detail *string `tfsdk:"detail"`
	Digest *string `tfsdk:"digest"`
	At     *string `tfsdk:"at"`
	Gone   bool    `tfsdk:"gone"`
}

type lineageEdgeModel struct {
	From     *string `tfsdk:"from"`
	To       *string `tfsdk:"to"`
	Relation *string `tfsdk:"relation"`
}

// Metadata implements datasource.DataSource.
func (*lineageLookup) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = typeName + "_lineage"
}

// Schema implements datasource.DataSource.
func (*lineageLookup) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	all := computedAttributes(lineageGraphAttributes())
	all["id"] = dsschema.StringAttribute{
		MarkdownDescription: "ID of the object to begin with: a dataset, pipeline, run, version, endpoint or monitor, a model for all of its versions, or an environment for all that it has.",
		Required:            true,
	}
	resp.Schema = dsschema.Schema{
		MarkdownDescription: "Finds what an object came from, and what came from it: datasets and pipelines, runs, versions, promotions, endpoints and monitors, across environments and backends. " +
			"What something refers to and is not there any more is shown as gone. It reads whole environments, so look up as few objects as will do.",
		Attributes: all,
	}
}

func lineageGraphAttributes() attributes {
	return attributes{
		"nodes": computedObjectMap("The objects, by ID.", attributes{
			"noun":   computedText("What it is: `dataset`, `pipeline_run`, `model_version` and so on."),
			"detail": computedText("How it stands, in a few words."),
			"digest": computedText("Digest of its bytes, where it has any."),
			"at":     computedTime("When it was made, where that is known."),
			"gone":   schema.BoolAttribute{MarkdownDescription: "Whether it is not there any more, or on a backend that cannot be reached.", Computed: true},
		}),
		"edges": computedObjectMap("What came from what, by `from -> to`.", attributes{
			"from":     computedText("ID of what came first."),
			"to":       computedText("ID of what came from it."),
			"relation": computedText("How: `from` `tracks`, `ran as`, `was read by`, `made`, `promoted to`, `is served by`, `is baseline of` or `is watched by` `to`."),
		}),
		"table": computedText("The same as a table for people, first things first."),
	}
}

// Configure implements datasource.DataSourceWithConfigure.
func (l *lineageLookup) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	l.platforms, _ = req.ProviderData.(*platforms)
}

// Read implements datasource.DataSource.
func (l *lineageLookup) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	var id string
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("id"), &id)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if _, err := mlops.ID(id).Parse(); err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("id"), "Not an ID", err.Error()+".")
		return
	}
	graph, err := lifecycle.Tracer{Open: l.platforms.open}.Trace(ctx, mlops.ID(id))
	if err != nil {
		resp.Diagnostics.Append(explain(ctx, schema.Schema{}, err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, lineageGraphOf(id, graph))...)
}

func lineageGraphOf(id string, g mlops.LineageGraph) lineageGraphModel {
	m := lineageGraphModel{ID: &id, Nodes: map[string]lineageNodeModel{}, Edges: map[string]lineageEdgeModel{}}
	for _, n := range g.Nodes {
		m.Nodes[string(n.ID)] = lineageNodeModel{
			Noun: nullable(string(n.Noun)), Detail: nullable(n.Detail), Digest: nullable(n.Digest), At: nullableTime(n.At), Gone: n.Gone,
		}
	}
	for _, e := range g.Edges {
		key := string(e.From) + " -> " + string(e.To)
		m.Edges[key] = lineageEdgeModel{From: nullableID(e.From), To: nullableID(e.To), Relation: nullable(e.Relation)}
	}
	table := lineageTable(g)
	m.Table = &table
	return m
}

// lineageTable writes one line for each object, and below it what it came from.
func lineageTable(g mlops.LineageGraph) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	line := func(cells ...string) { _, _ = w.Write([]byte(strings.Join(cells, "\t") + "\n")) } // a Builder takes all
	line("WHAT", "ID", "MADE", "DETAIL")
	for _, n := range g.Nodes {
		line(n.Noun.Words(), string(n.ID), valueOf(nullableTime(n.At)), n.Detail)
		for _, e := range g.Edges {
			if e.To == n.ID {
				line("", "  "+string(e.From)+" "+e.Relation+" it", "", "")
			}
		}
	}
	_ = w.Flush()
	return trimLines(b.String())
}

// trimLines removes the blanks that fill up a table's last columns.
func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}
