package kubernetes

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
)

// gateways is the gateway that the tests of this package share.
//
//nolint:gochecknoglobals // as the control plane is
var gateways kubetest.Gateway

// ask sends a request to an endpoint's URL, and returns where it went.
func ask(t *testing.T, endpoint string) (int, kubetest.GatewayAnswer) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var out kubetest.GatewayAnswer
	if response.StatusCode == http.StatusOK {
		if err := json.NewDecoder(response.Body).Decode(&out); err != nil {
			t.Fatal(err)
		}
	}
	return response.StatusCode, out
}
