package server

import (
	"net/http"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// check makes a monitor's check now, and answers with its report.
func (c Config) check(_ http.ResponseWriter, r *http.Request) (any, error) {
	id := mlops.ID(r.PathValue("id"))
	if _, err := id.ParseAs(mlops.NounMonitor); err != nil {
		return nil, mlops.NewError(mlops.Invalid, err)
	}
	return c.Check(r.Context(), id)
}

// mailServer takes the URL of the mail server.
func (c Config) mailServer(_ http.ResponseWriter, r *http.Request) (any, error) {
	server, err := decode[api.MailServer](r.Body)
	if err != nil {
		return nil, err
	}
	return struct{}{}, c.MailServer(r.Context(), server.URL)
}
