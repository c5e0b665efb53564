package server

import (
	"errors"
	"net/http"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// credentials answers with what a client needs to send requests to an endpoint.
// Nobody on the way may keep it.
func (c Config) credentials(w http.ResponseWriter, r *http.Request) (any, error) {
	giver, ok := c.ModelEndpoints.(mlops.Credentialer)
	if !ok {
		return nil, mlops.NewError(mlops.Unsupported, errors.New("this engine gives no credentials out"))
	}
	id := mlops.ID(r.PathValue("id"))
	if _, err := id.ParseAs(mlops.NounModelEndpoint); err != nil {
		return nil, mlops.NewError(mlops.Invalid, err)
	}
	got, err := giver.Credentials(r.Context(), id)
	w.Header().Set("Cache-Control", "no-store")
	return api.Credentials(got), err
}
