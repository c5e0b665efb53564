package mlflow

import (
	"errors"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow/mlflowtest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestOwnAuthentication proves that MLflow's own authentication lets a user in, for
// records and bytes, and what is said of those whom it does not.
func TestOwnAuthentication(t *testing.T) {
	t.Parallel()
	const password = "correct horse battery staple"
	uri := server.Guarded(t, password).URI(t)
	tests := []struct {
		name   string
		server mlops.MLflow
		code   mlops.Code
		field  string
	}{
		{"the user", mlops.MLflow{URI: uri, Username: mlflowtest.Admin, Token: password}, "", ""},
		{"another password", mlops.MLflow{URI: uri, Username: mlflowtest.Admin, Token: "wrong"}, mlops.Unauthenticated, "registry.mlflow.token"},
		{"another user", mlops.MLflow{URI: uri, Username: "ada", Token: password}, mlops.Unauthenticated, "registry.mlflow.token"},
		{"a bearer", mlops.MLflow{URI: uri, Token: password}, mlops.Unauthenticated, "registry.mlflow.token"},
		{"nobody", mlops.MLflow{URI: uri}, mlops.Unauthenticated, "registry.mlflow.token"},
		{"nothing there", mlops.MLflow{URI: "http://127.0.0.1:1"}, mlops.Unavailable, "registry.mlflow.uri"},
		{"no MLflow", mlops.MLflow{URI: uri + "/elsewhere", Username: mlflowtest.Admin, Token: password}, mlops.Unsupported, "registry.mlflow.uri"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := Probe(t.Context(), tt.server, "test")
			field := ""
			if e, ok := errors.AsType[*mlops.Error](err); ok {
				field = e.Field
			}
			if got := mlops.CodeOf(err); got != tt.code || field != tt.field {
				t.Errorf("%v has code %q and blames %q; want %q, %q", err, got, field, tt.code, tt.field)
			}
		})
	}
	c, err := Connect(tests[0].server, "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	s := newStockBy(t, c)
	ref := s.register(s.file("bytes"))
	if _, err := s.versions.Export(t.Context(), ref, t.TempDir()); err != nil {
		t.Error(err)
	}
	if err := s.versions.Delete(t.Context(), ref); err != nil {
		t.Error(err)
	}
}

// TestPreflight proves what is an error at plan, and what may come right by the
// apply.
func TestPreflight(t *testing.T) {
	t.Parallel()
	gate := server.Gate(t, "s3cret")
	tests := []struct {
		name    string
		server  mlops.MLflow
		path    string // "" where nothing is said
		warning bool
	}{
		{"fine", mlops.MLflow{URI: gate.URI, Token: "s3cret"}, "", false},
		{"another token", mlops.MLflow{URI: gate.URI, Token: "wrong"}, "registry.mlflow.token", false},
		{"one that is kept elsewhere", mlops.MLflow{URI: gate.URI, Mark: "mark"}, "", false},
		{"not there yet", mlops.MLflow{URI: "http://127.0.0.1:1"}, "registry.mlflow.uri", true},
		{"never a server", mlops.MLflow{URI: "ftp://example.com"}, "registry.mlflow.uri", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := mlops.NewChecker()
			if err := Preflight(t.Context(), tt.server, "test", c); err != nil {
				t.Fatal(err)
			}
			got := c.Problems()
			if tt.path == "" && len(got) == 0 {
				return
			}
			if len(got) != 1 || got[0].Path.String() != tt.path || got[0].Warning != tt.warning {
				t.Errorf("problems %v, want one at %q, a warning: %t", got, tt.path, tt.warning)
			}
		})
	}
}
