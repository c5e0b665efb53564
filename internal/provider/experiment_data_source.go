package provider

import (
	"context"

	dsschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func experimentLookup(d *definition[experimentModel, mlops.ExperimentSpec, mlops.ExperimentStatus]) lookup[experimentModel, mlops.ExperimentSpec, mlops.ExperimentStatus] {
	return lookup[experimentModel, mlops.ExperimentSpec, mlops.ExperimentStatus]{
		definition: d,
		extras: map[string]dsschema.Attribute{
			"runs":  experimentRunsAttribute(),
			"total": dsschema.Int64Attribute{MarkdownDescription: "How many runs there were in all.", Computed: true},
		},
		extra: func(_ context.Context, seen mlops.Observed[mlops.ExperimentSpec, mlops.ExperimentStatus]) map[string]any {
			runs := make([]experimentRunModel, 0, len(seen.Status.Runs))
			for _, r := range seen.Status.Runs {
				runs = append(runs, experimentRunOf(r))
			}
			return map[string]any{"runs": runs, "total": seen.Status.Total}
		},
	}
}

func experimentRunsAttribute() dsschema.Attribute {
	text := func(doc string) dsschema.Attribute {
		return dsschema.StringAttribute{MarkdownDescription: doc, Computed: true}
	}
	return dsschema.ListNestedAttribute{
		MarkdownDescription: "The newest runs, newest first, at most 100.", Computed: true,
		NestedObject: dsschema.NestedAttributeObject{Attributes: map[string]dsschema.Attribute{
			"run":         text("ID of the run."),
			"status":      text("`queued`, `running`, `succeeded`, `failed` or `cancelled`."),
			"parameters":  dsschema.MapAttribute{MarkdownDescription: "Value of each parameter.", Computed: true, ElementType: types.StringType},
			"metrics":     dsschema.MapAttribute{MarkdownDescription: "The run's metrics.", Computed: true, ElementType: types.Float64Type},
			"started_at":  text("When the run started. In RFC 3339 form."),
			"finished_at": text("When the run ended. In RFC 3339 form."),
		}},
	}
}

type experimentRunModel struct {
	Run        *string            `tfsdk:"run"`
	Status     *string            `tfsdk:"status"`
	Parameters map[string]string  `tfsdk:"parameters"`
	Metrics    map[string]float64 `tfsdk:"metrics"`
	StartedAt  *string            `tfsdk:"started_at"`
	FinishedAt *string            `tfsdk:"finished_at"`
}

func experimentRunOf(r mlops.ExperimentRun) experimentRunModel {
	return experimentRunModel{
		Run: nullableID(r.Run), Status: nullable(string(r.State)), Parameters: r.Parameters, Metrics: r.Metrics,
		StartedAt: nullableTime(r.StartedAt), FinishedAt: nullableTime(r.FinishedAt),
	}
}
