package provider

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const accCredentials = `
ephemeral "mlops_endpoint_credentials" "test" {
  endpoint = mlops_model_endpoint.test.id
}
`

// accEcho lets a test see what is ephemeral.
const accEcho = `
provider "echo" {
  data = ephemeral.mlops_endpoint_credentials.test
}

resource "echo" "test" {}
`

func TestAccEndpointCredentials(t *testing.T) {
	t.Parallel()
	if os.Getenv(resource.EnvTfAcc) == "" {
		t.Skip("acceptance test; run it with make testacc")
	}
	for _, b := range accBackends() {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			w := b.open(t)
			servers := w.servers()
			servers["echo"] = echoprovider.NewProviderServer()
			steps := []resource.TestStep{
				{Config: w.on(accEndpoint(accChampion) + accCredentials + accEcho), ConfigStateChecks: []statecheck.StateCheck{
					echoed("url", knownvalue.NotNull()), echoed("token", knownvalue.Null()), echoed("headers", knownvalue.MapSizeExact(0)),
				}},
			}
			guarded := accEndpoint(accChampion + "  access = \"token\"\n")
			if w.factories[0].Capabilities.Supports(mlops.FeatureEndpointToken) {
				steps = append(steps, resource.TestStep{Config: w.on(guarded + accCredentials), Check: withoutSecret}, resource.TestStep{
					Config: w.on(guarded + accCredentials + strings.ReplaceAll(accEcho, `"test" {}`, `"again" {}`)), ConfigStateChecks: []statecheck.StateCheck{
						statecheck.ExpectKnownValue("echo.again", tfjsonpath.New("data").AtMapKey("token"), knownvalue.NotNull()),
						statecheck.ExpectKnownValue("echo.again", tfjsonpath.New("data").AtMapKey("headers").AtMapKey("Authorization"), knownvalue.NotNull()),
					},
				})
			}
			resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: servers, CheckDestroy: w.nothingLeft, Steps: steps})
		})
	}
}

func echoed(attribute string, want knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue("echo.test", tfjsonpath.New("data").AtMapKey(attribute), want)
}

// withoutSecret finds nothing in the state that only a token has.
func withoutSecret(s *terraform.State) error {
	if text := s.String(); strings.Contains(text, "Bearer") || strings.Contains(text, "memory-sha256") {
		return fmt.Errorf("the state has a token:\n%s", text)
	}
	return nil
}

// A backend that gives no credentials out is no reason to fail, where an
// endpoint asks for none.
func TestCredentialsWithoutCredentialer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, access string
		words        []string // of the refusal
	}{
		{"open", mlops.AccessOpen, nil},
		{"guarded", mlops.AccessToken, []string{"gives no tokens out", "unsupported"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := memoryFactory()
			s := newScene(t, f, mlops.Settings{})
			spec := look(t, s, s.endpoint, mlops.NounModelEndpoint, mlops.Backend.ModelEndpoints).Spec
			spec.Access = tt.access
			if _, err := targetIn(t, s, mlops.NounModelEndpoint, mlops.Backend.ModelEndpoints).Update(t.Context(), s.endpoint, spec, func(mlops.Change) {}); err != nil {
				t.Fatal(err)
			}
			s.opened["memory"] = taciturn{s.opened["memory"]}
			got, err := credentialsOf(t.Context(), s.platforms, s.endpoint)
			if tt.words == nil && (err != nil || got.URL == "" || got.Token != "") {
				t.Errorf("got %+v, %v", got, err)
			}
			for _, w := range tt.words {
				if err == nil || !strings.Contains(err.Error(), w) {
					t.Errorf("the error is %v, want %q", err, w)
				}
			}
		})
	}
}

// taciturn is a backend whose endpoints can do no more than the four verbs.
type taciturn struct{ mlops.Backend }

// ModelEndpoints returns the kind of endpoints.
func (b taciturn) ModelEndpoints() mlops.Kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus] {
	return struct {
		mlops.Kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]
	}{b.Backend.ModelEndpoints()}
}

func TestCredentialsRefuse(t *testing.T) {
	t.Parallel()
	c := planning(t)
	const name = "mlops_endpoint_credentials"
	kind := schemas(t).EphemeralResourceSchemas[name].ValueType()
	validated, err := c.server.ValidateEphemeralResourceConfig(t.Context(), &tfprotov6.ValidateEphemeralResourceConfigRequest{
		TypeName: name, Config: dynamic(t, kind, obj{"endpoint": devID}),
	})
	if err != nil {
		t.Fatal(err)
	}
	wantDiagnostic(t, validated.Diagnostics, `AttributeName("endpoint")`, "Not the ID of a model endpoint")
	opened, err := c.server.OpenEphemeralResource(t.Context(), &tfprotov6.OpenEphemeralResourceRequest{
		TypeName: name, Config: dynamic(t, kind, obj{"endpoint": devID + "/endpoints/never"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	wantDiagnostic(t, opened.Diagnostics, `AttributeName("endpoint")`, "Cannot get credentials of model endpoint", "not found")
}
