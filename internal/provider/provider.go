package provider

import (
	"context"
	"os"
	"sync/atomic"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// New returns the constructor of the provider, of a version, with these
// backends. Everything that names a backend — the provider block, the
// environments' targets, the docs — comes from the factories.
func New(version string, factories []mlops.Factory) func() provider.Provider {
	return func() provider.Provider {
		return &mlopsProvider{version: version, factories: factories}
	}
}

// mlopsProvider is the provider.
type mlopsProvider struct {
	version   string
	factories []mlops.Factory

	ready atomic.Pointer[platforms] // what Configure made last
}

var _ provider.ProviderWithFunctions = (*mlopsProvider)(nil)

// Metadata implements provider.Provider.
func (p *mlopsProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName, resp.Version = typeName, p.version
}

// Schema implements provider.Provider.
func (p *mlopsProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	all := map[string]schema.Attribute{
		"owner": schema.StringAttribute{
			MarkdownDescription: "Stamp of this configuration on what it makes. An object of another owner is never taken over. " +
				"Without it, a short hash of the working directory and the workspace. May also be set by the environment variable `" + ownerVariable + "`.",
			Optional: true,
		},
	}
	for _, f := range p.factories {
		members := make(map[string]schema.Attribute, len(f.Settings))
		for _, s := range f.Settings {
			members[s.Name] = providerSetting(s)
		}
		all[f.Name] = schema.SingleNestedAttribute{
			MarkdownDescription: "Settings of the backend `" + f.Name + "`. " + f.Summary,
			Optional:            true,
			Attributes:          members,
		}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Runs machine-learning services — environments, pipelines, models, endpoints — from one portable configuration. " +
			"It needs no arguments: the backend `local` is an engine embedded in the provider.",
		Attributes: all,
	}
}

// Configure implements provider.Provider. It opens nothing: a backend is opened
// when a resource first needs it.
func (p *mlopsProvider) Configure(_ context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	members, err := membersOf(req.Config.Raw)
	if err != nil {
		resp.Diagnostics.Append(internalError(err)...)
		return
	}
	shared := &platforms{
		factories: p.factories, settings: map[string]mlops.Settings{}, version: p.version,
		reads: lifecycle.NewReads(), claims: newClaims(), prospects: newProspects(), opened: map[string]mlops.Backend{},
	}
	for _, f := range p.factories {
		given := settingsOf(members[f.Name])
		if err := withEnvironment(f.Settings, given, os.LookupEnv); err != nil {
			resp.Diagnostics.AddAttributeError(path.Root(f.Name), "Setting that cannot be read", err.Error()+".")
		}
		shared.settings[f.Name] = given
	}
	if shared.owner, err = ownerOf(members["owner"]); err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("owner"), "No owner", err.Error()+".")
	}
	resp.ResourceData, resp.DataSourceData = shared, shared
	resp.ActionData, resp.ListResourceData, resp.EphemeralResourceData = shared, shared, shared
	p.ready.Store(shared)
}

// ownerOf is the owner from the first of: the provider block, the environment,
// the working directory.
func ownerOf(given tftypes.Value) (string, error) {
	if s := textOf(given); s != "" {
		return s, nil
	}
	if s := os.Getenv(ownerVariable); s != "" {
		return s, nil
	}
	return defaultOwner(os.LookupEnv)
}

// Resources implements provider.Provider.
func (p *mlopsProvider) Resources(ctx context.Context) []func() resource.Resource {
	g := guide{p.factories}
	return []func() resource.Resource{
		newResource(ctx, environment(p.factories)),
		newResource(ctx, pipeline(g)),
		newResource(ctx, pipelineRun()),
		newResource(ctx, model()),
		newResource(ctx, modelVersion(g)),
		newResource(ctx, modelEndpoint(g)),
		newResource(ctx, experiment()),
		newResource(ctx, dataset(g)),
		newResource(ctx, monitor(g)),
		newResource(ctx, promotion(g)),
	}
}

// DataSources implements provider.Provider.
func (p *mlopsProvider) DataSources(ctx context.Context) []func() datasource.DataSource {
	g := guide{p.factories}
	return []func() datasource.DataSource{
		newDataSource(ctx, environmentLookup(environment(p.factories))),
		newDataSource(ctx, pipelineLookup(pipeline(g))),
		newDataSource(ctx, pipelineRunLookup(pipelineRun())),
		newDataSource(ctx, modelLookup(model())),
		newDataSource(ctx, modelVersionLookup(modelVersion(g))),
		newDataSource(ctx, modelEndpointLookup(modelEndpoint(g))),
		newDataSource(ctx, experimentLookup(experiment())),
		newDataSource(ctx, datasetLookup(dataset(g))),
		newDataSource(ctx, monitorLookup(monitor(g))),
		newDataSource(ctx, promotionLookup(promotion(g))),
		newLineageLookup,
	}
}

// Functions implements provider.ProviderWithFunctions.
func (p *mlopsProvider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{
		func() function.Function { return compute{p.factories} },
		newCronNext,
		newParseID,
		func() function.Function { return supports{p.factories} },
	}
}
