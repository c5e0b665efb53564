package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
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
	URL      *string           `tfsdk:"url"`
	Token    *string           `tfsdk:"token"`
	Headers  map[string]string `tfsdk:"headers"`
	Expires  *string           `tfsdk:"expires"`
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
	c, err := credentialsOf(ctx, e.platforms, mlops.ID(m.Endpoint.ValueString()))
	if err != nil {
		resp.Diagnostics.Append(explain(ctx, schema.Schema{Attributes: attributes{"endpoint": requiredText("")}}, err))
		return
	}
	m.URL, m.Token, m.Expires = nullable(c.URL), nullable(c.Token), nullableTime(c.Expires)
	m.Headers = c.Headers
	if m.Headers == nil {
		m.Headers = map[string]string{}
	}
	resp.Diagnostics.Append(resp.Result.Set(ctx, m)...)
}
