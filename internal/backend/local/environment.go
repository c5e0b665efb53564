package local

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// Environments returns the kind of environments.
func (b *backend) Environments() mlops.Kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus] {
	return kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus]{b.engine.Environments(), mlops.NounEnvironment, func(s mlops.EnvironmentSpec) string { return s.Name }}
}
