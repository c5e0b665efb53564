package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/provider"
)

var (
	_ provider.ProviderWithActions            = (*mlopsProvider)(nil)
	_ provider.ProviderWithEphemeralResources = (*mlopsProvider)(nil)
	_ provider.ProviderWithListResources      = (*mlopsProvider)(nil)
)

// Actions implements provider.ProviderWithActions.
func (p *mlopsProvider) Actions(context.Context) []func() action.Action {
	return []func() action.Action{
		newAction(approveVersion()),
		newAction(invokeEndpoint()),
		newAction(rollbackEndpoint()),
		newAction(runPipeline()),
	}
}

// EphemeralResources implements provider.ProviderWithEphemeralResources.
func (p *mlopsProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{newEndpointCredentials}
}

// ListResources implements provider.ProviderWithListResources.
func (p *mlopsProvider) ListResources(ctx context.Context) []func() list.ListResource {
	g := guide{p.factories}
	return []func() list.ListResource{
		newListResource(ctx, environment(p.factories)),
		newListResource(ctx, pipeline(g)),
		newListResource(ctx, pipelineRun()),
		newListResource(ctx, model()),
		newListResource(ctx, modelVersion(g)),
		newListResource(ctx, modelEndpoint(g)),
		newListResource(ctx, experiment()),
		newListResource(ctx, dataset(g)),
		newListResource(ctx, monitor(g)),
		newListResource(ctx, promotion(g)),
	}
}
