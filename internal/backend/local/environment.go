package local

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Environments returns the kind of environments. It asks the registry of one, at
// plan, whether it can be used.
func (b *backend) Environments() mlops.Kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus] {
	return environmentKind{
		kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus]{b.engine.Environments(), mlops.NounEnvironment, func(s mlops.EnvironmentSpec) string { return s.Name }},
		b,
	}
}

type environmentKind struct {
	kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus]

	backend *backend
}

// Preflight asks the registry, for which no engine is needed; see mlops.Preflighter.
// A registry that would be given to models that are there, or taken from them, is
// refused.
func (k environmentKind) Preflight(ctx context.Context, spec mlops.EnvironmentSpec, c *mlops.Checker) error {
	server := spec.MLflowRegistry()
	if err := k.keepsModels(ctx, spec, c); err != nil || server == nil {
		return err
	}
	return mlflow.Preflight(ctx, *server, k.backend.agent, c)
}

func (k environmentKind) keepsModels(ctx context.Context, spec mlops.EnvironmentSpec, c *mlops.Checker) error {
	seen, err := k.Get(ctx, spec.ID)
	if mlops.CodeOf(err) == mlops.NotFound {
		return nil
	}
	if err != nil || (seen.Spec.Registry == nil) == (spec.Registry == nil) {
		return err
	}
	models, err := k.backend.engine.Models().List(ctx, spec.ID)
	if err == nil && len(models) == 0 {
		return nil
	}
	c.Add(mlops.At("registry"), "The environment has models",
		"A registry is given or taken away while there are none. Make another environment and promote them to it, or delete them first.")
	return nil // a registry that does not answer has some, or is not asked
}
