package provider

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// TestRecoded proves that a state of the present version is written as the framework
// would, and that what is not plainly of the schema's type is the framework's.
func TestRecoded(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	quick, ok := c.server.(slimServer)
	if !ok {
		t.Fatal("the server is not slim")
	}
	const version = "mlops_model_version"
	for _, tt := range []struct {
		name, resource, state string
		version               int64
		want                  bool
	}{
		{"texts and nulls", "mlops_model", `{"id": "a", "name": "ä\n\"b\"", "description": null, "labels": {"team": "ml", "b": null}}`, 0, true},
		{"numbers", version, `{"id": "a", "size": 12345678901, "metrics": {"auc": 0.1, "loss": -1.5e-7, "n": 3, "huge": 123456789012345678901234567890, "whole": 2.0}}`, 0, true},
		{"lists and an empty map", version, `{"aliases": ["b", "a"], "packages": [], "metrics": {}}`, 0, true},
		{"objects in a map", "mlops_model_endpoint", `{"deletion_protection": true, "variants": {"main": {"traffic": 100, "compute": {"cpu": 0.5}}, "other": {}}, "capture": {"sample_percent": 7}}`, 0, true},
		{"nothing at all", "mlops_model", `{}`, 0, true},
		{"an attribute that was", "mlops_model", `{"id": "a", "former": {"b": [1]}}`, 0, false},
		{"an attribute twice", "mlops_model", `{"id": "a", "id": "b"}`, 0, false},
		{"a number as text", version, `{"size": "5"}`, 0, false},
		{"a text as number", "mlops_model", `{"name": 5}`, 0, false},
		{"an object instead of a list", version, `{"aliases": {"a": "b"}}`, 0, false},
		{"null", "mlops_model", `null`, 0, false},
		{"no JSON", "mlops_model", `{"id": `, 0, false},
		{"more than one", "mlops_model", `{} {}`, 0, false},
		{"another version", "mlops_model", `{"id": "a"}`, 7, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q := &tfprotov6.UpgradeResourceStateRequest{TypeName: tt.resource, Version: tt.version, RawState: &tfprotov6.RawState{JSON: []byte(tt.state)}}
			got := quick.calms[tt.resource].recoded(q)
			if (got != nil) != tt.want {
				t.Fatalf("the short cut answers: %t, want %t", got != nil, tt.want)
			}
			if got == nil {
				return
			}
			want, err := quick.wholeServer.UpgradeResourceState(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			wantNoDiagnostics(t, want.Diagnostics)
			kind := c.types[tt.resource]
			if diff := cmp.Diff(members(t, kind, want.UpgradedState), members(t, kind, got.UpgradedState)); diff != "" {
				t.Errorf("state (-framework +short cut):\n%s", diff)
			}
		})
	}
}
