package provider

import (
	"context"

	dsschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func datasetLookup(d *definition[datasetModel, mlops.DatasetSpec, mlops.DatasetStatus]) lookup[datasetModel, mlops.DatasetSpec, mlops.DatasetStatus] {
	return lookup[datasetModel, mlops.DatasetSpec, mlops.DatasetStatus]{
		definition: d,
		extras: map[string]dsschema.Attribute{
			"history": dsschema.ListNestedAttribute{
				MarkdownDescription: "All versions, newest first.", Computed: true,
				NestedObject: dsschema.NestedAttributeObject{Attributes: map[string]dsschema.Attribute{
					"version":    dsschema.StringAttribute{MarkdownDescription: "Number of the version.", Computed: true},
					"digest":     dsschema.StringAttribute{MarkdownDescription: "Digest of its bytes.", Computed: true},
					"rows":       dsschema.Int64Attribute{MarkdownDescription: "How many rows it has.", Computed: true},
					"created_at": dsschema.StringAttribute{MarkdownDescription: "When it was made. In RFC 3339 form.", Computed: true},
				}},
			},
		},
		extra: func(_ context.Context, seen mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus]) map[string]any {
			history := make([]datasetVersionModel, 0, len(seen.Status.History))
			for _, v := range seen.Status.History {
				history = append(history, datasetVersionModel{nullable(v.Version), nullable(v.Digest), v.Rows, nullableTime(v.CreatedAt)})
			}
			return map[string]any{"history": history}
		},
	}
}

type datasetVersionModel struct {
	Version   *string `tfsdk:"version"`
	Digest    *string `tfsdk:"digest"`
	Rows      int64   `tfsdk:"rows"`
	CreatedAt *string `tfsdk:"created_at"`
}
