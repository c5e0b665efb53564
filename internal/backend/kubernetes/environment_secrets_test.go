package kubernetes

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestRegistryToken proves that the token of a registry is in its secret and nowhere
// else, that a change without it keeps it, and that it goes with the registry.
func TestRegistryToken(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	gate := tracking.Gate(t, "hunter2")
	e.spec.Registry = &mlops.Registry{MLflow: &mlops.MLflow{URI: gate.URI, Token: "hunter2", Mark: "m1"}}
	seen := e.apply()
	if m := seen.Spec.MLflowRegistry(); m == nil || m.Token != "" || m.Mark != "m1" {
		t.Errorf("the spec came back with %+v", m)
	}
	wantToken := func(want string) {
		t.Helper()
		p, err := e.place(t.Context(), e.spec.ID)
		e.must(err)
		m, err := p.registryServer(t.Context())
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
	gate.Admit("hunter3")
	e.spec.Registry.MLflow.Token, e.spec.Registry.MLflow.Mark = "hunter3", "m2"
	e.apply()
	wantToken("hunter3")

	control.Delete(t, e.ref("secrets", nameOfRegistry))
	if seen := e.look(); seen.Phase != mlops.PhaseFailed || !strings.Contains(seen.Reason, "the Secret mlops-registry is gone") {
		t.Errorf("without its secret it is %s: %s", seen.Phase, seen.Reason)
	}
	bare := e.spec
	bare.Registry = &mlops.Registry{MLflow: &mlops.MLflow{URI: gate.URI, Mark: "m2"}}
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

// TestStorageCredentials proves that credentials are in a secret as KServe reads them,
// which the service account has, and stay there while no change brings others.
func TestStorageCredentials(t *testing.T) {
	t.Parallel()
	e := newEstate(t, mlops.Settings{targetStorage: "s3://models", targetStorageURL: "http://minio.example.com:9000", targetStorageRegion: "eu-west-1"})
	e.spec.Target.Secrets = mlops.Settings{targetStorageKeys: map[string]string{"access_key_id": "id", "secret_access_key": "hunter2"}}
	e.spec.Target.Mark = "m1"
	if seen := e.apply(); seen.Spec.Target.Secrets != nil || seen.Spec.Target.Mark != "m1" {
		t.Errorf("the spec came back with %+v", seen.Spec.Target)
	}
	e.spec.Target.Secrets = nil
	e.spec.Labels = map[string]string{"team": "other"}
	e.apply()
	c, err := e.in(e.spec.ID)
	e.must(err)
	got, err := c.secret(t.Context(), identity{kindSecret, e.spec.Name, nameOfStorage})
	e.must(err)
	if diff := cmp.Diff(map[string]string{"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "hunter2"}, got); diff != "" {
		t.Errorf("secret (-want +got):\n%s", diff)
	}
	notes := control.Get(t, e.ref("secrets", nameOfStorage)).GetAnnotations()
	if notes["serving.kserve.io/s3-endpoint"] != "minio.example.com:9000" || notes["serving.kserve.io/s3-usehttps"] != "0" || notes["serving.kserve.io/s3-region"] != "eu-west-1" {
		t.Errorf("KServe is told %v", notes)
	}
	has, _, _ := unstructured.NestedSlice(control.Get(t, e.ref("serviceaccounts", "mlops")).Object, "secrets")
	if diff := cmp.Diff([]any{map[string]any{"name": nameOfStorage}}, has); diff != "" {
		t.Errorf("secrets of the service account (-want +got):\n%s", diff)
	}
	e.spec.Target.Mark, e.spec.Target.Settings[targetServiceAccount] = "", "default"
	e.apply()
	if control.Exists(t, e.ref("secrets", nameOfStorage)) {
		t.Error("the secret is left without credentials")
	}
}
