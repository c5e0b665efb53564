package kubernetes

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestRegistryToken proves that the token of a registry is in its secret and nowhere
// else, that a change without it keeps it, and that it goes with the registry.
func TestRegistryToken(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	e.spec.Registry = &mlops.Registry{MLflow: &mlops.MLflow{URI: "https://mlflow.example.com", Token: "hunter2", Mark: "m1"}}
	seen := e.apply()
	if m := seen.Spec.MLflowRegistry(); m == nil || m.Token != "" || m.Mark != "m1" {
		t.Errorf("the spec came back with %+v", m)
	}
	wantToken := func(want string) {
		t.Helper()
		p, err := e.place(t.Context(), e.spec.ID)
		e.must(err)
		m, err := p.registry(t.Context())
		e.must(err)
		if m.Token != want {
			t.Errorf("token is %q, want %q", m.Token, want)
		}
	}
	wantToken("hunter2")
	for _, resource := range []string{"configmaps", "serviceaccounts", "events"} {
		for _, o := range control.List(t, resource, e.spec.Name, "") {
			text, err := json.Marshal(o.Object)
			e.must(err)
			if strings.Contains(string(text), "hunter2") {
				t.Errorf("%s %s has the token: %s", resource, o.GetName(), text)
			}
		}
	}

	e.spec.Registry.MLflow.Token = ""
	e.spec.Labels = map[string]string{"team": "other"}
	e.apply()
	wantToken("hunter2")
	e.spec.Registry.MLflow.Token, e.spec.Registry.MLflow.Mark = "hunter3", "m2"
	e.apply()
	wantToken("hunter3")

	control.Delete(t, e.ref("secrets", nameOfRegistry))
	if seen := e.look(); seen.Phase != mlops.PhaseFailed || !strings.Contains(seen.Reason, "the Secret mlops-registry is gone") {
		t.Errorf("without its secret it is %s: %s", seen.Phase, seen.Reason)
	}
	bare := e.spec
	bare.Registry = &mlops.Registry{MLflow: &mlops.MLflow{URI: "https://mlflow.example.com", Mark: "m2"}}
	_, err := e.Environments().Update(t.Context(), bare.ID, bare)
	e.wantCode("a change that does not know it", err, mlops.Invalid, "mlops-registry")
	e.apply()
	wantToken("hunter3")

	e.spec.Registry = nil
	e.apply()
	if control.Exists(t, e.ref("secrets", nameOfRegistry)) {
		t.Error("the secret is left without a registry")
	}
}
