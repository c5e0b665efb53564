package kubernetes

import (
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
)

// TestSmokeByServer proves that a smoke test by way of the API server reaches the service
// that KServe makes for a server, by its name and port. What is behind cannot answer
// here, since nothing runs in a pod: the API server says so, and a service or a port
// that there is not it would call not found.
func TestSmokeByServer(t *testing.T) {
	t.Parallel()
	s := newServing(t, nil)
	control.Play(t, s.namespace, func(*unstructured.Unstructured) kubetest.Outcome {
		return kubetest.Outcome{Waiting: "ContainerCreating"}
	})
	spec := s.endpoint("smoked", s.version("custom", "s3://bucket/a"))
	change, err := s.kind.Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	server := s.services()[0]
	service := kubetest.Ref{Resource: "services", Namespace: s.namespace, Name: predictor(server)}
	control.Wait(t, service, "to be there", func(*unstructured.Unstructured) bool { return true })
	at, err := s.kind.scene(t.Context(), change.Ref)
	if err != nil {
		t.Fatal(err)
	}
	status, _, err := at.postByServer(t.Context(), server, "/v1/models/smoked:predict", "{}")
	if status != http.StatusServiceUnavailable || err == nil || !strings.Contains(err.Error(), "no endpoints available for service") {
		t.Errorf("of a server without pods that are ready the API server says %d: %v", status, err)
	}
	status, answer, err := at.postByServer(t.Context(), "nobody", "/", "{}")
	if status != http.StatusNotFound || err != nil || !strings.Contains(answer, "not found") {
		t.Errorf("of no server it says %d: %s, %v", status, answer, err)
	}
}
