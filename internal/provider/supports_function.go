package provider

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// supports is the function of that name: whether a backend has a feature.
type supports struct{ factories []mlops.Factory }

// Metadata implements function.Function.
func (supports) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "supports"
}

// Definition implements function.Function.
func (supports) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Tells whether a backend has a feature",
		MarkdownDescription: "Returns whether a backend has a feature, natively or emulated. Features are paths into the configuration, " +
			"such as `pipeline.schedule` or `model_endpoint.rollout.strategy.all_at_once`; the guide on portability lists them.",
		Parameters: []function.Parameter{
			function.StringParameter{Name: "backend", MarkdownDescription: "The backend's name, such as `local`."},
			function.StringParameter{Name: "feature", MarkdownDescription: "The feature, such as `pipeline.schedule`."},
		},
		Return: function.BoolReturn{},
	}
}

// Run implements function.Function.
func (s supports) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var backend, feature string
	if resp.Error = req.Arguments.Get(ctx, &backend, &feature); resp.Error != nil {
		return
	}
	i := slices.IndexFunc(s.factories, func(f mlops.Factory) bool { return f.Name == backend })
	if i < 0 {
		resp.Error = function.NewArgumentFuncError(0, unknownBackend(backend, s.factories).Unwrap().Error())
		return
	}
	known := featureNames()
	if !slices.Contains(known, feature) {
		resp.Error = function.NewArgumentFuncError(1, "there is no feature \""+feature+"\"."+mlops.DidYouMean(feature, known))
		return
	}
	resp.Error = resp.Result.Set(ctx, s.factories[i].Capabilities.Supports(mlops.Feature(feature)))
}

func featureNames() []string {
	var names []string
	for _, f := range mlops.Features() {
		names = append(names, string(f.Feature))
	}
	return names
}
