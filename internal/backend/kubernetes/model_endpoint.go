package kubernetes

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// ModelEndpoints returns the kind of endpoints.
func (b *backend) ModelEndpoints() mlops.Kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus] {
	return notYet[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{mlops.NounModelEndpoint}
}
