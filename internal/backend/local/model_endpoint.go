package local

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// ModelEndpoints returns the kind of endpoints. It gives their credentials out.
func (b *backend) ModelEndpoints() mlops.Kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus] {
	endpoints := b.engine.ModelEndpoints()
	return endpointKind{
		kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{endpoints, mlops.NounModelEndpoint, func(s mlops.ModelEndpointSpec) string { return s.Name }},
		endpoints,
	}
}

type endpointKind struct {
	kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]

	credentials mlops.Credentialer
}

// Credentials returns what a client of an endpoint needs; see
// mlops.Credentialer.
func (k endpointKind) Credentials(ctx context.Context, ref mlops.ID) (mlops.Credentials, error) {
	return k.credentials.Credentials(ctx, ref)
}
