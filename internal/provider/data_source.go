package provider

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	dsschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// lookup is what one data source has of its own; the rest comes from its
// resource. Its attributes are those of the resource, all computed, and extras.
type lookup[M any, S specification, T any] struct {
	*definition[M, S, T]

	// extras are attributes that only the data source has, because they change
	// by themselves. Extra gives their values, in Go types that fit.
	extras map[string]dsschema.Attribute
	extra  func(context.Context, mlops.Observed[S, T]) map[string]any
	// keys are the attributes, besides id, that can be given to find the object,
	// and find turns them into its ID. Without keys only the ID finds it.
	keys  []string
	rules []datasource.ConfigValidator // which of them go together
	find  func(ctx context.Context, kind mlops.Kind[S, T], given map[string]string) (mlops.ID, error)
}

// looked is the generic data source.
type looked[M any, S specification, T any] struct {
	lookup[M, S, T]

	resource  schema.Schema
	codec     codec[M]
	full      dsschema.Schema
	platforms *platforms
}

func newDataSource[M any, S specification, T any](ctx context.Context, l lookup[M, S, T]) func() datasource.DataSource {
	resource := l.schema(ctx)
	c, full := newCodec[M](resource, l.own), l.dataSchema(resource)
	return func() datasource.DataSource {
		return &looked[M, S, T]{lookup: l, resource: resource, codec: c, full: full}
	}
}

func (l lookup[M, S, T]) dataSchema(resource schema.Schema) dsschema.Schema {
	all := computedAttributes(resource.Attributes)
	delete(all, "timeouts")
	for _, name := range l.kept {
		delete(all, name)
	}
	maps.Copy(all, l.extras)
	onlyID := len(l.keys) == 0
	all["id"] = dsschema.StringAttribute{
		MarkdownDescription: "The ID of the object to look up, such as `" + exampleID(l.noun) + "`.",
		Required:            onlyID, Optional: !onlyID, Computed: !onlyID,
	}
	for _, name := range l.keys {
		doc := all[name].GetMarkdownDescription()
		all[name] = dsschema.StringAttribute{MarkdownDescription: doc, Optional: true, Computed: true}
	}
	return dsschema.Schema{MarkdownDescription: "Looks up an existing object. " + resource.MarkdownDescription, Attributes: all}
}

// Metadata implements datasource.DataSource.
func (d *looked[M, S, T]) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = typeName + "_" + string(d.noun)
}

// Schema implements datasource.DataSource.
func (d *looked[M, S, T]) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = d.full
}

// Configure implements datasource.DataSourceWithConfigure.
func (d *looked[M, S, T]) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	d.platforms, _ = req.ProviderData.(*platforms)
}

// ConfigValidators implements datasource.DataSourceWithConfigValidators.
func (d *looked[M, S, T]) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return d.rules
}

// Read implements datasource.DataSource.
func (d *looked[M, S, T]) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()

	seen, err := d.seek(ctx, req.Config)
	if err != nil {
		resp.Diagnostics.Append(explain(ctx, d.resource, err))
		return
	}
	raw, diags := d.codec.encode(ctx, d.model(seen, noTimeouts()))
	resp.Diagnostics.Append(diags...)
	if diags.HasError() {
		return
	}
	d.write(ctx, req.Config, raw, resp)
	if d.extra == nil {
		return
	}
	for name, value := range d.extra(ctx, seen) {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(name), value)...)
	}
}

// write sets the state from the resource's object: the attributes that both
// have, and the keys as they were given.
func (d *looked[M, S, T]) write(ctx context.Context, config tfsdk.Config, object tftypes.Value, resp *datasource.ReadResponse) {
	members, err := membersOf(object)
	given, configErr := membersOf(config.Raw)
	if err != nil || configErr != nil {
		resp.Diagnostics.AddError("Error in the provider", "The object cannot be read. Please report this.")
		return
	}
	t, _ := d.full.Type().TerraformType(ctx).(tftypes.Object)
	out := make(map[string]tftypes.Value, len(t.AttributeTypes))
	for name, member := range t.AttributeTypes {
		value, shared := members[name]
		if !shared {
			value = given[name]
		}
		if value.Type() == nil {
			value = tftypes.NewValue(member, nil)
		}
		out[name] = value
	}
	resp.State.Raw = tftypes.NewValue(t, out)
}

// seek finds the object and takes a look at it.
func (d *looked[M, S, T]) seek(ctx context.Context, config tfsdk.Config) (mlops.Observed[S, T], error) {
	var none mlops.Observed[S, T]
	members, err := membersOf(config.Raw)
	if err != nil {
		return none, err
	}
	given := map[string]string{"id": textOf(members["id"])}
	backend := mlops.ID(given["id"]).Backend()
	for _, name := range d.keys {
		given[name] = textOf(members[name])
	}
	if given["id"] == "" && d.parent != "" {
		backend = mlops.ID(given[d.parent]).Backend()
	}
	target, err := d.target(ctx, d.platforms, backend)
	if err != nil {
		return none, err
	}
	id := mlops.ID(given["id"])
	if id == "" {
		if id, err = d.find(ctx, target.Kind, given); err != nil {
			return none, d.lookupError(target.Code(err), given, err)
		}
	}
	if _, err := id.ParseAs(d.object()); err != nil {
		return none, &mlops.Error{Code: mlops.Invalid, Op: "read", Resource: d.noun, Field: "id", Err: err}
	}
	return target.Read(ctx, id)
}

func (d *looked[M, S, T]) lookupError(code mlops.Code, given map[string]string, err error) error {
	return &mlops.Error{Code: code, Op: "read", Resource: d.noun, Name: mlops.ID(given[d.parent]), Field: fieldOf(err), Err: err}
}
