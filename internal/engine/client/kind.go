package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Kind is one noun of the engine.
type Kind[Spec, Status any] struct {
	client *Client
	noun   mlops.Noun
}

// Environments is the kind of environments.
func (c *Client) Environments() Kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus] {
	return Kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus]{c, mlops.NounEnvironment}
}

// Pipelines is the kind of pipelines.
func (c *Client) Pipelines() Kind[mlops.PipelineSpec, mlops.PipelineStatus] {
	return Kind[mlops.PipelineSpec, mlops.PipelineStatus]{c, mlops.NounPipeline}
}

// PipelineRuns is the kind of runs.
func (c *Client) PipelineRuns() Kind[mlops.PipelineRunSpec, mlops.PipelineRunStatus] {
	return Kind[mlops.PipelineRunSpec, mlops.PipelineRunStatus]{c, mlops.NounPipelineRun}
}

// Models is the kind of models.
func (c *Client) Models() Kind[mlops.ModelSpec, mlops.ModelStatus] {
	return Kind[mlops.ModelSpec, mlops.ModelStatus]{c, mlops.NounModel}
}

// Experiments is the kind of experiments.
func (c *Client) Experiments() Kind[mlops.ExperimentSpec, mlops.ExperimentStatus] {
	return Kind[mlops.ExperimentSpec, mlops.ExperimentStatus]{c, mlops.NounExperiment}
}

// Create starts the creation; see mlops.Kind.
func (k Kind[Spec, Status]) Create(ctx context.Context, spec Spec) (mlops.Change, error) {
	if err := ctx.Err(); err != nil {
		return mlops.Change{}, err
	}
	var receipt api.Receipt
	err := k.client.call(ctx, request{method: http.MethodPost, path: k.path(""), body: spec}, &receipt)
	if mlops.CodeOf(err) == mlops.Unavailable || err != nil && ctx.Err() != nil {
		return mlops.Change{Ref: identity(spec)}, err // it may have been done, and the answer lost
	}
	return receipt.Change(), err
}

// Get takes one look; see mlops.Kind.
func (k Kind[Spec, Status]) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[Spec, Status], error) {
	var object api.Object[Spec, Status]
	if err := k.ready(ctx, ref); err != nil {
		return object.Observed(), err
	}
	err := k.client.call(ctx, request{method: http.MethodGet, path: k.path(ref)}, &object)
	return object.Observed(), err
}

// List returns what is below a parent; see mlops.Lister.
func (k Kind[Spec, Status]) List(ctx context.Context, parent mlops.ID) ([]mlops.Observed[Spec, Status], error) {
	if err := k.ready(ctx, parent); err != nil {
		if mlops.CodeOf(err) == mlops.NotFound {
			return nil, nil
		}
		return nil, err
	}
	var list api.List[Spec, Status]
	query := url.Values{api.UnderQuery: {string(parent)}}
	err := k.client.call(ctx, request{method: http.MethodGet, path: k.path(""), query: query}, &list)
	out := make([]mlops.Observed[Spec, Status], 0, len(list.Objects))
	for _, o := range list.Objects {
		out = append(out, o.Observed())
	}
	return out, err
}

// Update starts a change; see mlops.Kind.
func (k Kind[Spec, Status]) Update(ctx context.Context, ref mlops.ID, spec Spec) (mlops.Change, error) {
	if err := k.ready(ctx, ref); err != nil {
		return mlops.Change{}, err
	}
	var receipt api.Receipt
	err := k.client.call(ctx, request{method: http.MethodPut, path: k.path(ref), body: spec}, &receipt)
	return receipt.Change(), err
}

// Delete starts the deletion; see mlops.Kind.
func (k Kind[Spec, Status]) Delete(ctx context.Context, ref mlops.ID) error {
	if err := k.ready(ctx, ref); err != nil {
		return err
	}
	return k.client.call(ctx, request{method: http.MethodDelete, path: k.path(ref)}, &struct{}{})
}

// ready refuses to look for what cannot be there: no engine is started for it.
func (k Kind[Spec, Status]) ready(ctx context.Context, ref mlops.ID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !k.client.options.existed() {
		return mlops.NewError(mlops.NotFound, fmt.Errorf("there is no %s %s: no engine ever was in %s", k.noun, ref, k.client.options.Directory))
	}
	return nil
}

func (k Kind[Spec, Status]) path(ref mlops.ID) string {
	path := api.ObjectsPath + "/" + string(k.noun)
	if ref != "" {
		path += "/" + string(ref)
	}
	return path
}

// identity is the ID that a spec says, "" where it says none.
func identity(spec any) mlops.ID {
	if e, ok := spec.(mlops.EnvironmentSpec); ok {
		return e.ID
	}
	if named, ok := spec.(interface{ ID() mlops.ID }); ok {
		return named.ID()
	}
	return ""
}
