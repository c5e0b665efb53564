package provider

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// sealing is a backend with write-only settings.
func sealing() []mlops.Factory {
	return []mlops.Factory{
		{Name: "plain", Target: []mlops.Setting{{Name: "zone"}}},
		{Name: "memory", Target: []mlops.Setting{{Name: "zone"}, {Name: "password", WriteOnly: true}, {Name: "keys", Type: mlops.MapSetting, WriteOnly: true}}},
	}
}

func TestTargetSecretsApart(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"memory"}, secretive(sealing())); diff != "" {
		t.Errorf("backends with secrets (-want +got):\n%s", diff)
	}
	given := mlops.Settings{"zone": "a", "password": "s3cret", "keys": map[string]string{"a": "b"}}
	for _, tt := range []struct {
		name, backend string
		want          mlops.Target
	}{
		{"with secrets", "memory", mlops.Target{
			Backend: "memory", Settings: mlops.Settings{"zone": "a"},
			Secrets: mlops.Settings{"password": "s3cret", "keys": map[string]string{"a": "b"}},
		}},
		{"another backend's", "plain", mlops.Target{Backend: "plain", Settings: given}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := apart(sealing(), mlops.EnvironmentSpec{Target: mlops.Target{Backend: tt.backend, Settings: given}})
			if diff := cmp.Diff(tt.want, got.Target); diff != "" {
				t.Errorf("target (-want +got):\n%s", diff)
			}
		})
	}
	if len(given) != 3 {
		t.Errorf("what was given is now %v", given)
	}
}

// A configuration's secrets decide; where it has none, the mark is taken over.
func TestMarkTargetSecrets(t *testing.T) {
	t.Parallel()
	secrets := mlops.Settings{"password": "s3cret"}
	own := markOf(devID, `{"password":"s3cret"}`)
	for _, tt := range []struct {
		name    string
		secrets mlops.Settings
		held    any
		want    string
		brought bool
	}{
		{"secrets, as planned", secrets, "mark", "mark", false},
		{"secrets that the plan did not know", secrets, nil, own, false},
		{"none", nil, nil, "", false},
		{"none given, some kept", nil, "mark", "mark", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := mlops.EnvironmentSpec{ID: devID, Target: mlops.Target{Backend: "memory", Secrets: tt.secrets}}
			brought := markEnvironment(&s, map[string]tftypes.Value{"secrets_mark": tftypes.NewValue(tftypes.String, tt.held)})
			if s.Target.Mark != tt.want || brought != tt.brought {
				t.Errorf("mark %q, brought %t; want %q, %t", s.Target.Mark, brought, tt.want, tt.brought)
			}
		})
	}
}

// TestForetellSecrets proves that a mark is foretold when all is known that it is of.
func TestForetellSecrets(t *testing.T) {
	t.Parallel()
	target := mlops.Target{Backend: "memory", Secrets: mlops.Settings{"password": "s3cret"}}
	own := markOf(devID, `{"password":"s3cret"}`)
	for _, tt := range []struct {
		name    string
		spec    mlops.EnvironmentSpec
		unknown []mlops.Path
		want    string
		known   bool
	}{
		{name: "known", spec: mlops.EnvironmentSpec{ID: devID, Target: target}, want: own, known: true},
		{name: "no secrets", spec: mlops.EnvironmentSpec{ID: devID, Target: mlops.Target{Backend: "memory"}}, known: true},
		{name: "no ID yet", spec: mlops.EnvironmentSpec{Target: target}},
		{name: "no target yet", spec: mlops.EnvironmentSpec{ID: devID}},
		{name: "a secret of something unknown", spec: mlops.EnvironmentSpec{ID: devID, Target: target}, unknown: []mlops.Path{mlops.At("memory", "keys")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, known := foretoldSecrets(mlops.NewChecker(tt.unknown...), tt.spec)
			if got != tt.want || known != tt.known {
				t.Errorf("foretold %q, %t; want %q, %t", got, known, tt.want, tt.known)
			}
		})
	}
}
