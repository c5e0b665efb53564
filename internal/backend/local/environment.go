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
		b.agent,
	}
}

type environmentKind struct {
	kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus]

	agent string // told to the registry
}

// Preflight asks the registry; see mlops.Preflighter. No engine is needed for it.
func (k environmentKind) Preflight(ctx context.Context, spec mlops.EnvironmentSpec, c *mlops.Checker) error {
	if server := spec.MLflowRegistry(); server != nil {
		return mlflow.Preflight(ctx, *server, k.agent, c)
	}
	return nil
}
