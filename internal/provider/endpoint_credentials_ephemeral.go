package provider

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	epschema "github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// endpointCredentials is the ephemeral resource with what a client of an
// endpoint needs. It is in no state and no plan.
type endpointCredentials struct{ platforms *platforms }

var _ ephemeral.EphemeralResourceWithValidateConfig = (*endpointCredentials)(nil)

func newEndpointCredentials() ephemeral.EphemeralResource { return &endpointCredentials{} }

// endpointCredentialsModel is its attributes.
type endpointCredentialsModel struct {
	Endpoint types.String      `tfsdk:"endpoint"`
	URL      types.String      `tfsdk:"url"`
	Token    types.String      `tfsdk:"token"`
	Headers  types.Map         `tfsdk:"headers"`
	Expires  timetypes.RFC3339 `tfsdk:"expires"`
}

// Metadata implements ephemeral.EphemeralResource.
func (*endpointCredentials) Metadata(_ context.Context, _ ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = typeName + "_endpoint_credentials"
}

// Schema implements ephemeral.EphemeralResource.
func (*endpointCredentials) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = epschema.Schema{
		MarkdownDescription: "What a client needs to send requests to an endpoint. It is read when it is needed, and kept nowhere: neither state nor plan has it.",
		Attributes: map[string]epschema.Attribute{
			"endpoint": epschema.StringAttribute{MarkdownDescription: "ID of the endpoint.", Required: true},
			"url":      epschema.StringAttribute{MarkdownDescription: "Where to send requests.", Computed: true},
			"token": epschema.StringAttribute{
				MarkdownDescription: "The token that requests must carry. Null where the endpoint asks for none.",
				Computed:            true, Sensitive: true,
			},
			"headers": epschema.MapAttribute{
				MarkdownDescription: "The HTTP headers that requests must have, the token in them.",
				Computed:            true, Sensitive: true, ElementType: types.StringType,
			},
			"expires": epschema.StringAttribute{
				MarkdownDescription: "Until when they are good. Null where they do not expire. In RFC 3339 form.",
				Computed:            true, CustomType: timetypes.RFC3339Type{},
			},
		},
	}
}

// Configure implements ephemeral.EphemeralResourceWithConfigure.
func (e *endpointCredentials) Configure(_ context.Context, req ephemeral.ConfigureRequest, _ *ephemeral.ConfigureResponse) {
	e.platforms, _ = req.ProviderData.(*platforms)
}

// ValidateConfig implements ephemeral.EphemeralResourceWithValidateConfig.
func (*endpointCredentials) ValidateConfig(ctx context.Context, req ephemeral.ValidateConfigRequest, resp *ephemeral.ValidateConfigResponse) {
	var endpoint types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("endpoint"), &endpoint)...)
	if endpoint.IsUnknown() || endpoint.IsNull() {
		return
	}
	if _, err := mlops.ID(endpoint.ValueString()).ParseAs(mlops.NounModelEndpoint); err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("endpoint"), "Not the ID of "+mlops.NounModelEndpoint.One(), err.Error()+".")
	}
}

// Open implements ephemeral.EphemeralResource.
func (e *endpointCredentials) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	var m endpointCredentialsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	id := mlops.ID(m.Endpoint.ValueString())
	c, err := credentialsOf(ctx, e.platforms, id)
	switch {
	case mlops.CodeOf(err) == mlops.NotFound && e.platforms.claims.planned(id):
		m.wait() // its ID is known before it exists, and this very plan makes it
	case err != nil:
		resp.Diagnostics.Append(explain(ctx, schema.Schema{Attributes: attributes{"endpoint": requiredText("")}}, err))
		return
	default:
		resp.Diagnostics.Append(m.fill(ctx, c)...)
	}
	resp.Diagnostics.Append(resp.Result.Set(ctx, m)...)
}

// wait leaves everything to the apply.
func (m *endpointCredentialsModel) wait() {
	m.URL, m.Token, m.Headers, m.Expires = types.StringUnknown(), types.StringUnknown(), types.MapUnknown(types.StringType), timetypes.NewRFC3339Unknown()
}

func (m *endpointCredentialsModel) fill(ctx context.Context, c mlops.Credentials) diag.Diagnostics {
	headers := maps.Clone(c.Headers)
	if headers == nil {
		headers = map[string]string{}
	}
	var diags diag.Diagnostics
	m.Headers, diags = types.MapValueFrom(ctx, types.StringType, headers)
	m.URL, m.Token = types.StringPointerValue(nullable(c.URL)), types.StringPointerValue(nullable(c.Token))
	m.Expires = timetypes.NewRFC3339PointerValueMust(nullableTime(c.Expires))
	return diags
}
