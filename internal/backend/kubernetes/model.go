package kubernetes

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

type modelObserved = mlops.Observed[mlops.ModelSpec, mlops.ModelStatus]

// modelKind is the kind of models: those of the environment's MLflow server.
type modelKind struct{ *backend }

// Models returns the kind of models.
func (b *backend) Models() mlops.Kind[mlops.ModelSpec, mlops.ModelStatus] { return modelKind{b} }

// Create makes a registered model, or adopts its owner's own.
func (k modelKind) Create(ctx context.Context, spec mlops.ModelSpec) (mlops.Change, error) {
	if err := ctx.Err(); err != nil {
		return mlops.Change{}, err
	}
	if err := capabilities().Admit(name, mlops.NounModel, spec.Name, spec); err != nil {
		return mlops.Change{}, err
	}
	r, err := k.registryToMake(ctx, spec.ID(), mlops.NounModel)
	if err != nil {
		return mlops.Change{}, err
	}
	return r.Models(k.options.Owner).Create(ctx, spec)
}

// Get takes one look.
func (k modelKind) Get(ctx context.Context, ref mlops.ID) (modelObserved, error) {
	r, err := k.registryOf(ctx, ref, mlops.NounModel)
	if err != nil {
		return modelObserved{Ref: ref}, err
	}
	return r.Models(k.options.Owner).Get(ctx, ref)
}

// List returns the models of an environment.
func (k modelKind) List(ctx context.Context, environment mlops.ID) ([]modelObserved, error) {
	r, err := k.registryToList(ctx, environment)
	if r == nil {
		return nil, err
	}
	return r.Models(k.options.Owner).List(ctx, environment)
}

// Update puts a spec in force.
func (k modelKind) Update(ctx context.Context, ref mlops.ID, spec mlops.ModelSpec) (mlops.Change, error) {
	r, err := k.registryOf(ctx, ref, mlops.NounModel)
	if err != nil {
		return mlops.Change{}, err
	}
	return r.Models(k.options.Owner).Update(ctx, ref, spec)
}

// Delete removes a model that has no versions. One that has is a Conflict.
func (k modelKind) Delete(ctx context.Context, ref mlops.ID) error {
	r, err := k.registryOf(ctx, ref, mlops.NounModel)
	if err != nil {
		return err
	}
	return r.Models(k.options.Owner).Delete(ctx, ref)
}

// Preflight refuses a model in an environment without a registry; see
// mlops.Preflighter.
func (k modelKind) Preflight(ctx context.Context, spec mlops.ModelSpec, c *mlops.Checker) error {
	mlflow.CheckModel(c, spec)
	_, err := k.preflightRegistry(ctx, c, spec.Environment, mlops.NounModel)
	return err
}
