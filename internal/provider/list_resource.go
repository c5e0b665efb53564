package provider

import (
	"context"
	"iter"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	listschema "github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// listing is the generic list resource: it finds the objects of one definition
// that exist, whoever made them, to be imported or looked at.
type listing[M any, S specification, T any] struct {
	*definition[M, S, T]

	full      schema.Schema
	codec     codec[M]
	platforms *platforms
}

func newListResource[M any, S specification, T any](ctx context.Context, d *definition[M, S, T]) func() list.ListResource {
	full := d.schema(ctx)
	c := newCodec[M](full, d.own)
	return func() list.ListResource { return &listing[M, S, T]{definition: d, full: full, codec: c} }
}

// backendArgument is what environments are listed by: they have no parent.
const backendArgument = "backend"

// argument is the name of the one argument: the noun that the objects belong
// to.
func (l *listing[M, S, T]) argument() string {
	if parent := l.object().Parent(); parent != "" {
		return string(parent)
	}
	return backendArgument
}

// Metadata implements list.ListResource.
func (l *listing[M, S, T]) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = typeName + "_" + string(l.noun)
}

// ListResourceConfigSchema implements list.ListResource.
func (l *listing[M, S, T]) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	doc := "Name of the backend to list, such as `local`."
	if parent := l.object().Parent(); parent != "" {
		doc = "ID of the " + parent.Words() + " to list, such as `" + exampleID(parent) + "`."
	}
	resp.Schema = listschema.Schema{
		MarkdownDescription: "Finds every " + l.noun.Words() + " that exists in one place, whoever made it: to import it, or to look at it.",
		Attributes:          map[string]listschema.Attribute{l.argument(): listschema.StringAttribute{MarkdownDescription: doc, Required: true}},
	}
}

// Configure implements list.ListResourceWithConfigure.
func (l *listing[M, S, T]) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	l.platforms, _ = req.ProviderData.(*platforms)
}

// ValidateListResourceConfig implements list.ListResourceWithValidateConfig.
func (l *listing[M, S, T]) ValidateListResourceConfig(ctx context.Context, req list.ValidateConfigRequest, resp *list.ValidateConfigResponse) {
	var given types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root(l.argument()), &given)...)
	if resp.Diagnostics.HasError() || given.IsUnknown() {
		return
	}
	l.checkParent(given.ValueString(), &resp.Diagnostics)
}

func (l *listing[M, S, T]) checkParent(given string, diags *diag.Diagnostics) {
	parent := l.object().Parent()
	if parent == "" {
		return // whether there is such a backend is known when the provider is configured
	}
	if _, err := mlops.ID(given).ParseAs(parent); err != nil {
		diags.AddAttributeError(path.Root(l.argument()), "Not the ID of "+parent.One(), err.Error()+".")
	}
}

// List implements list.ListResource.
func (l *listing[M, S, T]) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	var given string
	diags := req.Config.GetAttribute(ctx, path.Root(l.argument()), &given)
	l.checkParent(given, &diags)
	if diags.HasError() {
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	all, err := l.find(ctx, given)
	if err != nil {
		stream.Results = list.ListResultsStreamDiagnostics(diag.Diagnostics{explain(ctx, l.full, err)})
		return
	}
	stream.Results = l.results(ctx, req, all)
}

// find asks the backend. A parent in an environment that is not there is an
// error: nobody means to list nothing.
func (l *listing[M, S, T]) find(ctx context.Context, given string) ([]mlops.Observed[S, T], error) {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	if l.object().Parent() == "" {
		target, err := l.target(ctx, l.platforms, given)
		if err != nil {
			return nil, err
		}
		return target.List(ctx, "")
	}
	parent := mlops.ID(given)
	target, err := l.target(ctx, l.platforms, parent.Backend())
	if err != nil {
		return nil, err
	}
	environments, err := targetOf(ctx, l.platforms, parent.Backend(), mlops.NounEnvironment, mlops.Backend.Environments)
	if err != nil {
		return nil, err
	}
	if _, err := environments.Read(ctx, parent.Environment()); err != nil {
		return nil, err
	}
	return target.List(ctx, parent)
}

// results turns objects into what Terraform asked for, no more than it wants.
func (l *listing[M, S, T]) results(ctx context.Context, req list.ListRequest, all []mlops.Observed[S, T]) iter.Seq[list.ListResult] {
	return func(push func(list.ListResult) bool) {
		var n int64
		for _, seen := range all {
			if seen.Phase == mlops.PhaseDeleting {
				continue
			}
			if req.Limit > 0 && n == req.Limit || !push(l.result(ctx, req, seen)) {
				return
			}
			n++
		}
	}
}

func (l *listing[M, S, T]) result(ctx context.Context, req list.ListRequest, seen mlops.Observed[S, T]) list.ListResult {
	r := req.NewListResult(ctx)
	r.DisplayName = displayName(seen.Ref)
	r.Diagnostics.Append(r.Identity.SetAttribute(ctx, path.Root("id"), string(seen.Ref))...)
	if !req.IncludeResource {
		return r
	}
	raw, diags := l.codec.encode(ctx, l.model(seen, noTimeouts()))
	r.Diagnostics.Append(diags...)
	r.Resource.Raw = raw
	return r
}

// displayName is an object's name for people: with its parent's where it is no
// more than a number.
func displayName(id mlops.ID) string {
	parent, err := id.Parent().Parse()
	if err != nil || parent.Noun == mlops.NounEnvironment {
		return id.Name()
	}
	return strings.Join([]string{parent.Name, id.Name()}, "/")
}
