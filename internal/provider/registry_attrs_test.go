package provider

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func registryWith(token, mark string) *mlops.Registry {
	return &mlops.Registry{MLflow: &mlops.MLflow{URI: "https://mlflow.example.com", Token: token, Mark: mark}}
}

func TestRegistryNeverShowsItsToken(t *testing.T) {
	t.Parallel()
	m := environmentOf(mlops.Observed[mlops.EnvironmentSpec, mlops.EnvironmentStatus]{Spec: mlops.EnvironmentSpec{Registry: registryWith("s3cret", "mark")}})
	if m.Registry.MLflow.Token != nil || valueOf(m.Registry.MLflow.URI) != "https://mlflow.example.com" || valueOf(m.RegistryMark) != "mark" {
		t.Errorf("token %v, URI %v, mark %v", m.Registry.MLflow.Token, m.Registry.MLflow.URI, m.RegistryMark)
	}
	if diff := cmp.Diff(registryWith("", "mark"), m.spec().Registry); diff != "" {
		t.Errorf("there and back (-want +got):\n%s", diff)
	}
}

// A configuration's token decides; where it has none, the mark is taken over.
func TestMarkToken(t *testing.T) {
	t.Parallel()
	const id = mlops.ID(devID)
	held := map[string]tftypes.Value{"registry_mark": tftypes.NewValue(tftypes.String, "mark")}
	none := map[string]tftypes.Value{"registry_mark": tftypes.NewValue(tftypes.String, nil)}
	tests := []struct {
		name     string
		registry *mlops.Registry
		held     map[string]tftypes.Value
		want     string
		brought  bool
	}{
		{"no registry", nil, held, "", false},
		{"a token, as planned", registryWith("s3cret", ""), held, "mark", false},
		{"a token that the plan did not know", registryWith("s3cret", ""), none, markOf(id, "s3cret"), false},
		{"no token, none kept", registryWith("", ""), none, "", false},
		{"no token, one kept", registryWith("", ""), held, "mark", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := mlops.EnvironmentSpec{ID: id, Registry: tt.registry}
			brought := markToken(&s, tt.held)
			got := ""
			if m := s.MLflowRegistry(); m != nil {
				got = m.Mark
			}
			if got != tt.want || brought != tt.brought {
				t.Errorf("mark %q, brought %t; want %q, %t", got, brought, tt.want, tt.brought)
			}
		})
	}
}

func TestForetellEnvironment(t *testing.T) {
	t.Parallel()
	const id = mlops.ID(devID)
	tests := []struct {
		name    string
		spec    mlops.EnvironmentSpec
		unknown []mlops.Path
		want    map[string]string
	}{
		{"no registry", mlops.EnvironmentSpec{ID: id}, nil, map[string]string{problem: "", "registry_mark": ""}},
		{"a token", mlops.EnvironmentSpec{ID: id, Registry: registryWith("s3cret", "")}, nil, map[string]string{problem: "", "registry_mark": markOf(id, "s3cret")}},
		{"one that is kept", mlops.EnvironmentSpec{ID: id, Registry: registryWith("", "mark")}, nil, map[string]string{problem: "", "registry_mark": "mark"}},
		{"an ID that is not known", mlops.EnvironmentSpec{Registry: registryWith("s3cret", "")}, nil, map[string]string{problem: ""}},
		{
			"a token that is not known",
			mlops.EnvironmentSpec{ID: id, Registry: registryWith("", "")},
			[]mlops.Path{mlops.At("registry", "mlflow", "token")},
			map[string]string{problem: ""},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, foretellEnvironment(mlops.NewChecker(tt.unknown...), tt.spec)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
