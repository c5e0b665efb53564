package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	dsschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/schedule"
)

func pipelineLookup(d *definition[pipelineModel, mlops.PipelineSpec, mlops.PipelineStatus]) lookup[pipelineModel, mlops.PipelineSpec, mlops.PipelineStatus] {
	return lookup[pipelineModel, mlops.PipelineSpec, mlops.PipelineStatus]{
		definition: d,
		extras: map[string]dsschema.Attribute{
			"next_run": dsschema.StringAttribute{
				MarkdownDescription: "When the schedule fires next, in RFC 3339 form; null without a schedule, or with one that is not enabled.",
				Computed:            true,
				CustomType:          timetypes.RFC3339Type{},
			},
		},
		extra: func(_ context.Context, seen mlops.Observed[mlops.PipelineSpec, mlops.PipelineStatus]) map[string]any {
			return map[string]any{"next_run": nullableTime(nextRun(seen.Spec.Schedule, time.Now()))}
		},
	}
}

// nextRun is the next time after now at which a schedule fires, or the zero
// time.
func nextRun(s *mlops.Schedule, now time.Time) time.Time {
	if s == nil || s.Disabled {
		return time.Time{}
	}
	cron, err := schedule.Parse(*s)
	if err != nil {
		return time.Time{}
	}
	return cron.Next(now)
}
