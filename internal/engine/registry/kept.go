package registry

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// KeptModels are the models as the engine last saw them: no shared registry is asked.
type KeptModels struct{ *Registry }

// KeptModels are the models as the engine last saw them.
func (g *Registry) KeptModels() KeptModels { return KeptModels{g} }

// Get takes one look.
func (k KeptModels) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.ModelSpec, mlops.ModelStatus], error) {
	newest, err := k.Models().newest(ctx, ref)
	if err != nil {
		return mlops.Observed[mlops.ModelSpec, mlops.ModelStatus]{}, err
	}
	return get(ctx, k.Store.Models(), ref, observeModel(newest))
}

// List returns the models below an ID.
func (k KeptModels) List(ctx context.Context, under mlops.ID) ([]mlops.Observed[mlops.ModelSpec, mlops.ModelStatus], error) {
	newest, err := k.Models().newest(ctx, under)
	if err != nil {
		return nil, err
	}
	return list(ctx, k.Store.Models(), under, observeModel(newest))
}

// KeptVersions are the versions as the engine last saw them.
type KeptVersions struct{ *Registry }

// KeptVersions are the versions as the engine last saw them.
func (g *Registry) KeptVersions() KeptVersions { return KeptVersions{g} }

// Get takes one look.
func (k KeptVersions) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus], error) {
	return get(ctx, k.Store.Versions(), ref, versionRecord.Observed)
}

// List returns the versions below an ID.
func (k KeptVersions) List(ctx context.Context, under mlops.ID) ([]mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus], error) {
	return list(ctx, k.Store.Versions(), under, versionRecord.Observed)
}
