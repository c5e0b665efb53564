package local

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// ModelEndpoints returns the kind of endpoints.
func (b *backend) ModelEndpoints() mlops.Kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus] {
	return kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{b.engine.ModelEndpoints(), mlops.NounModelEndpoint, func(s mlops.ModelEndpointSpec) string { return s.Name }}
}
