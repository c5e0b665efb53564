package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A copy has another name wherever that stands, and nothing that the API server gave.
func TestRenamedSample(t *testing.T) {
	t.Parallel()
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
		"metadata": map[string]any{
			"name": "e00000", "namespace": "bench", "uid": "1", "resourceVersion": "2", "generation": int64(3),
			"ownerReferences": []any{map[string]any{"uid": "4"}}, "annotations": map[string]any{"record": `{"name":"e00000"}`},
		},
		"status": map[string]any{"of": "e00000-abc"},
	}}
	got, err := kubeSample{{kubeRoutes, object}}.renamed("e00000", "e00042")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
		"metadata": map[string]any{"name": "e00042", "namespace": "bench", "annotations": map[string]any{"record": `{"name":"e00042"}`}},
		"status":   map[string]any{"of": "e00042-abc"},
	}
	if diff := cmp.Diff(want, got[0].object.Object); diff != "" {
		t.Errorf("copy (-want +got):\n%s", diff)
	}
	if object.GetName() != "e00000" || object.GetUID() != "1" {
		t.Error("the sample was changed")
	}
}
