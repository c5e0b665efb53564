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
		},
		extra: func(_ context.Context, seen mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]) map[string]any {
			return map[string]any{"replicas": seen.Status.Replicas}
		},
	}
}
