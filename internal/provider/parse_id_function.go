package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// parseID is the function parse_id: an ID taken apart.
type parseID struct{}

func newParseID() function.Function { return parseID{} }

// parsedID is what parse_id returns.
type parsedID struct {
	Backend     string   `tfsdk:"backend"`
	Scope       []string `tfsdk:"scope"`
	Environment string   `tfsdk:"environment"`
	Noun        string   `tfsdk:"noun"`
	Parent      *string  `tfsdk:"parent"`
	Name        string   `tfsdk:"name"`
}

// Metadata implements function.Function.
func (parseID) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "parse_id"
}

// Definition implements function.Function.
func (parseID) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Takes an ID apart",
		MarkdownDescription: "Takes the ID of any object of this provider apart, into an object with `backend`, `scope` (a list: region, project or " +
			"whatever the backend needs), `environment` (its name), `noun`, `parent` (the ID of what it belongs to, null for an environment) and `name`.",
		Parameters: []function.Parameter{function.StringParameter{Name: "id", MarkdownDescription: "The ID, such as `" + exampleID(mlops.NounModel) + "`."}},
		Return: function.ObjectReturn{AttributeTypes: map[string]attr.Type{
			"backend":     types.StringType,
			"scope":       types.ListType{ElemType: types.StringType},
			"environment": types.StringType,
			"noun":        types.StringType,
			"parent":      types.StringType,
			"name":        types.StringType,
		}},
	}
}

// Run implements function.Function.
func (parseID) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var id string
	if resp.Error = req.Arguments.Get(ctx, &id); resp.Error != nil {
		return
	}
	p, err := mlops.ID(id).Parse()
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	scope := append([]string{}, p.Scope...)
	resp.Error = resp.Result.Set(ctx, parsedID{
		Backend: p.Backend, Scope: scope, Environment: p.Environment,
		Noun: string(p.Noun), Parent: nullableID(p.Parent), Name: p.Name,
	})
}
