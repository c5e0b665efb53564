package provider

import (
	"context"

	dsschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func modelEndpointLookup(d *definition[modelEndpointModel, mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]) lookup[modelEndpointModel, mlops.ModelEndpointSpec, mlops.ModelEndpointStatus] {
	return lookup[modelEndpointModel, mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{
		definition: d,
		extras: map[string]dsschema.Attribute{
			"replicas": dsschema.MapAttribute{
				MarkdownDescription: "Ready replicas now, by variant. The autoscaler changes them.",
				Computed:            true,
				ElementType:         types.Int64Type,
			},
			"last_rollout":   lastRolloutAttribute(),
			"previous":       dsschema.MapAttribute{MarkdownDescription: "IDs of the versions that served before the last change, by variant.", Computed: true, ElementType: types.StringType},
			"previous_until": dsschema.StringAttribute{MarkdownDescription: "Until when their servers stay warm. In RFC 3339 form.", Computed: true},
			"asleep":         dsschema.BoolAttribute{MarkdownDescription: "Whether the endpoint is down by its schedule.", Computed: true},
		},
		extra: func(_ context.Context, seen mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]) map[string]any {
			s := seen.Status
			return map[string]any{
				"replicas": s.Replicas, "last_rollout": lastRolloutOf(s.Rollout), "asleep": s.Asleep,
				"previous":       each(s.Previous, func(v mlops.Serving) string { return string(v.Version) }),
				"previous_until": nullableTime(s.PreviousUntil),
			}
		},
	}
}

func lastRolloutAttribute() dsschema.Attribute {
	text := func(doc string) dsschema.Attribute {
		return dsschema.StringAttribute{MarkdownDescription: doc, Computed: true}
	}
	count := func(doc string) dsschema.Attribute {
		return dsschema.Int64Attribute{MarkdownDescription: doc, Computed: true}
	}
	return dsschema.SingleNestedAttribute{
		MarkdownDescription: "How the last rollout stands, or how it ended.", Computed: true,
		Attributes: map[string]dsschema.Attribute{
			"strategy":      text("Its strategy."),
			"state":         text("`running`, `done` or `rolled_back`."),
			"step":          count("The step under way, or the last, from 1."),
			"steps":         count("How many steps there are."),
			"percent":       count("Percent of the traffic on the new versions."),
			"requests":      count("Requests that the new versions answered in the step."),
			"error_percent": dsschema.Float64Attribute{MarkdownDescription: "Share of them that failed.", Computed: true},
			"p95":           text("95th percentile of the time that answers took."),
			"reason":        text("Why it went back."),
			"started_at":    text("When it began. In RFC 3339 form."),
			"ended_at":      text("When it ended. In RFC 3339 form."),
		},
	}
}

type lastRolloutModel struct {
	Strategy     *string `tfsdk:"strategy"`
	State        *string `tfsdk:"state"`
	Step         int64   `tfsdk:"step"`
	Steps        int64   `tfsdk:"steps"`
	Percent      int64   `tfsdk:"percent"`
	Requests     int64   `tfsdk:"requests"`
	ErrorPercent float64 `tfsdk:"error_percent"`
	P95          *string `tfsdk:"p95"`
	Reason       *string `tfsdk:"reason"`
	StartedAt    *string `tfsdk:"started_at"`
	EndedAt      *string `tfsdk:"ended_at"`
}

func lastRolloutOf(r *mlops.RolloutStatus) *lastRolloutModel {
	if r == nil {
		return nil
	}
	return &lastRolloutModel{
		Strategy: nullable(r.Strategy), State: nullable(r.State), Step: r.Step, Steps: r.Steps, Percent: r.Percent,
		Requests: r.Figures.Requests, ErrorPercent: r.Figures.ErrorPercent(), P95: nullableDuration(r.Figures.P95),
		Reason: nullable(r.Reason), StartedAt: nullableTime(r.StartedAt), EndedAt: nullableTime(r.EndedAt),
	}
}
