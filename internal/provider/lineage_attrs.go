package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func lineageAttribute(doc string) schema.SingleNestedAttribute {
	return computedObject(doc, attributes{
		"pipeline_version": computedText("Version of the pipeline that ran."),
		"parameters":       computedTextMap("Value of each parameter, defaults filled in."),
		"engine":           computedText("Name and version of what ran it."),
		"steps": computedObjectMap("The evidence of each step, by its name.", attributes{
			"code":     computedText("Digest of the script or command."),
			"packages": schema.ListAttribute{MarkdownDescription: "Packages that were installed.", Computed: true, ElementType: types.StringType},
			"inputs":   computedTextMap("Content digest of each input."),
			"outputs":  computedTextMap("Content digest of each output."),
		}),
	})
}

type lineageModel struct {
	PipelineVersion *string                     `tfsdk:"pipeline_version"`
	Parameters      map[string]string           `tfsdk:"parameters"`
	Engine          *string                     `tfsdk:"engine"`
	Steps           map[string]stepLineageModel `tfsdk:"steps"`
}

type stepLineageModel struct {
	Code     *string           `tfsdk:"code"`
	Packages []string          `tfsdk:"packages"`
	Inputs   map[string]string `tfsdk:"inputs"`
	Outputs  map[string]string `tfsdk:"outputs"`
}

func lineageOf(l *mlops.Lineage) *lineageModel {
	if l == nil {
		return nil
	}
	return &lineageModel{
		PipelineVersion: nullable(l.PipelineVersion),
		Parameters:      l.Parameters,
		Engine:          nullable(l.Engine),
		Steps:           each(l.Steps, stepLineageOf),
	}
}

func stepLineageOf(s mlops.StepLineage) stepLineageModel {
	return stepLineageModel{Code: nullable(s.Code), Packages: s.Packages, Inputs: s.Inputs, Outputs: s.Outputs}
}
