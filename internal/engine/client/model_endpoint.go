package client

import (
	"context"
	"net/http"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Endpoints is the kind of endpoints, which gives credentials out.
type Endpoints struct {
	Kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]
}

// ModelEndpoints is the kind of endpoints.
func (c *Client) ModelEndpoints() Endpoints {
	return Endpoints{Kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{c, mlops.NounModelEndpoint}}
}

// Credentials returns what a client of an endpoint needs; see
// mlops.Credentialer.
func (e Endpoints) Credentials(ctx context.Context, ref mlops.ID) (mlops.Credentials, error) {
	if err := e.ready(ctx, ref); err != nil {
		return mlops.Credentials{}, err
	}
	var got api.Credentials
	err := e.client.call(ctx, request{method: http.MethodGet, path: api.CredentialsPath + "/" + string(ref)}, &got)
	return mlops.Credentials(got), err
}
