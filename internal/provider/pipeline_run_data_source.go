package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	dsschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"

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
		keys: []string{"pipeline", "status"},
		rules: []datasource.ConfigValidator{
			datasourcevalidator.ExactlyOneOf(path.MatchRoot("id"), path.MatchRoot("pipeline")),
			datasourcevalidator.Conflicting(path.MatchRoot("id"), path.MatchRoot("status")),
		},
		find: findPipelineRun,
	}
}

// findPipelineRun finds the newest run of a pipeline, or the newest with a status.
func findPipelineRun(ctx context.Context, kind mlops.Kind[mlops.PipelineRunSpec, mlops.PipelineRunStatus], given map[string]string) (mlops.ID, error) {
	pipeline, status := mlops.ID(given["pipeline"]), given["status"]
	if _, err := pipeline.ParseAs(mlops.NounPipeline); err != nil {
		return "", &mlops.Error{Code: mlops.Invalid, Field: "pipeline", Err: err}
	}
	lister, ok := kind.(mlops.Lister[mlops.PipelineRunSpec, mlops.PipelineRunStatus])
	if !ok {
		return "", mlops.NewError(mlops.Unsupported, errors.New("this backend cannot list runs; look one up by its id"))
	}
	all, err := lister.List(ctx, pipeline)
	if err != nil {
		return "", fmt.Errorf("listing the runs of %q: %w", pipeline, err)
	}
	newest := -1
	for i, seen := range all {
		fits := status == "" || string(seen.Status.State) == status
		if fits && (newest < 0 || !seen.Status.StartedAt.Before(all[newest].Status.StartedAt)) {
			newest = i
		}
	}
	if newest < 0 {
		return "", &mlops.Error{Code: mlops.NotFound, Field: "pipeline", Err: fmt.Errorf("%q has no run yet that is %s", pipeline, cmp.Or(status, "known"))}
	}
	return all[newest].Ref, nil
}

func stepRunAttributes() map[string]dsschema.Attribute {
	return map[string]dsschema.Attribute{
		"status":      dsschema.StringAttribute{MarkdownDescription: "`queued`, `running`, `succeeded`, `failed`, `cancelled` or `skipped`.", Computed: true},
		"attempt":     dsschema.Int64Attribute{MarkdownDescription: "Which attempt this is, counted from 1; 0 before the first.", Computed: true},
		"cached":      dsschema.BoolAttribute{MarkdownDescription: "Whether the outputs were taken from an earlier run.", Computed: true},
		"reason":      dsschema.StringAttribute{MarkdownDescription: "Why the step failed, or was skipped.", Computed: true},
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
