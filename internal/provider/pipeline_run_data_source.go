package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	dsschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func pipelineRunLookup(d *definition[pipelineRunModel, mlops.PipelineRunSpec, mlops.PipelineRunStatus]) lookup[pipelineRunModel, mlops.PipelineRunSpec, mlops.PipelineRunStatus] {
	return lookup[pipelineRunModel, mlops.PipelineRunSpec, mlops.PipelineRunStatus]{
		definition: d,
		extras: map[string]dsschema.Attribute{
			"steps": dsschema.MapNestedAttribute{
				MarkdownDescription: "How each step stands, by its name.",
				Computed:            true,
				NestedObject:        dsschema.NestedAttributeObject{Attributes: stepRunAttributes()},
			},
		},
		extra: func(_ context.Context, seen mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus]) map[string]any {
			return map[string]any{"steps": each(seen.Status.Steps, stepRunOf)}
		},
	}
}

func stepRunAttributes() map[string]dsschema.Attribute {
	return map[string]dsschema.Attribute{
		"status":      dsschema.StringAttribute{MarkdownDescription: "`queued`, `running`, `succeeded`, `failed` or `cancelled`.", Computed: true},
		"attempt":     dsschema.Int64Attribute{MarkdownDescription: "Which attempt this is, counted from 1.", Computed: true},
		"cached":      dsschema.BoolAttribute{MarkdownDescription: "Whether the outputs were taken from an earlier run.", Computed: true},
		"reason":      dsschema.StringAttribute{MarkdownDescription: "Why the step failed.", Computed: true},
		"started_at":  dsschema.StringAttribute{MarkdownDescription: "When the step started. In RFC 3339 form.", Computed: true, CustomType: timetypes.RFC3339Type{}},
		"finished_at": dsschema.StringAttribute{MarkdownDescription: "When the step ended. In RFC 3339 form.", Computed: true, CustomType: timetypes.RFC3339Type{}},
	}
}

type stepRunModel struct {
	Status     *string `tfsdk:"status"`
	Attempt    int64   `tfsdk:"attempt"`
	Cached     bool    `tfsdk:"cached"`
	Reason     *string `tfsdk:"reason"`
	StartedAt  *string `tfsdk:"started_at"`
	FinishedAt *string `tfsdk:"finished_at"`
}

func stepRunOf(s mlops.StepRun) stepRunModel {
	return stepRunModel{
		Status:     nullable(string(s.State)),
		Attempt:    int64(s.Attempt),
		Cached:     s.Cached,
		Reason:     nullable(s.Reason),
		StartedAt:  nullableTime(s.StartedAt),
		FinishedAt: nullableTime(s.FinishedAt),
	}
}
