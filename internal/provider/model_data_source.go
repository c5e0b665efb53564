package provider

import (
	"context"

	dsschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func modelLookup(d *definition[modelModel, mlops.ModelSpec, mlops.ModelStatus]) lookup[modelModel, mlops.ModelSpec, mlops.ModelStatus] {
	return lookup[modelModel, mlops.ModelSpec, mlops.ModelStatus]{
		definition: d,
		extras: map[string]dsschema.Attribute{
			"latest": dsschema.StringAttribute{MarkdownDescription: "Number of the newest version; null if there is none.", Computed: true},
		},
		extra: func(_ context.Context, seen mlops.Observed[mlops.ModelSpec, mlops.ModelStatus]) map[string]any {
			return map[string]any{"latest": nullable(seen.Status.Latest)}
		},
	}
}
