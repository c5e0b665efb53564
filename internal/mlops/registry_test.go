package mlops

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRegistryValidate(t *testing.T) {
	t.Parallel()
	at := func(uri, token string) *Registry { return &Registry{MLflow: &MLflow{URI: uri, Token: token}} }
	tests := []struct {
		name     string
		registry *Registry
		path     string // "" where nothing is wrong
		want     string
		warning  bool
	}{
		{"none", nil, "", "", false},
		{"https", at("https://mlflow.example.com/ml", "t0ken"), "", "", false},
		{"loopback", at("http://127.0.0.1:5000", ""), "", "", false},
		{"loopback by name", at("http://localhost:5000", ""), "", "", false},
		{"loopback of the sixth version", at("http://[::1]:5000", ""), "", "", false},
		{"no kind", &Registry{}, "registry", "mlflow", false},
		{"not a URL", at("mlflow.example.com", ""), "registry.mlflow.uri", "http or https", false},
		{"another scheme", at("file:///tmp/mlruns", ""), "registry.mlflow.uri", "http or https", false},
		{"credentials", at("https://ada:pw@example.com", ""), "registry.mlflow.uri", "token instead", false},
		{"query", at("https://example.com?a=1", ""), "registry.mlflow.uri", "without a query", false},
		{"line break", at("https://example.com", "t0ken\n"), "registry.mlflow.token", "line break", false},
		{"a password with spaces", &Registry{MLflow: &MLflow{URI: "https://example.com", Username: "ada", Token: "correct horse"}}, "", "", false},
		{"a token with spaces", at("https://example.com", "correct horse"), "registry.mlflow.token", "no spaces", false},
		{"a user's name with a colon", &Registry{MLflow: &MLflow{URI: "https://example.com", Username: "a:b"}}, "registry.mlflow.username", "no colon", false},
		{"in clear", at("http://mlflow.example.com", "t0ken"), "registry.mlflow.uri", "in clear", true},
		{"loopback in a name", at("http://localhost.example.com", ""), "registry.mlflow.uri", "in clear", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := NewChecker()
			EnvironmentSpec{Name: "e", Stage: "dev", Registry: tt.registry}.Validate(c)
			if tt.path == "" {
				if len(c.Problems()) > 0 {
					t.Errorf("problems %v", c.Problems())
				}
				return
			}
			if len(c.Problems()) != 1 {
				t.Fatalf("problems %v, want one", c.Problems())
			}
			p := c.Problems()[0]
			if p.Path.String() != tt.path || !strings.Contains(p.Detail, tt.want) || p.Warning != tt.warning {
				t.Errorf("%v, a warning: %t; want %s with %q, %t", p.Error(), p.Warning, tt.path, tt.want, tt.warning)
			}
		})
	}
}

func TestWithoutSecrets(t *testing.T) {
	t.Parallel()
	spec := EnvironmentSpec{Name: "e", Registry: &Registry{MLflow: &MLflow{URI: "https://example.com", Token: "t0ken", Mark: "mark"}}}
	want := MLflow{URI: "https://example.com", Mark: "mark"}
	if diff := cmp.Diff(want, *spec.WithoutSecrets().MLflowRegistry()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if spec.Registry.MLflow.Token != "t0ken" {
		t.Error("the spec itself lost its token")
	}
	if bare := (EnvironmentSpec{Name: "e"}).WithoutSecrets(); bare.Registry != nil {
		t.Errorf("a registry came from nowhere: %v", bare.Registry)
	}
}
