package kubetest

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Samples returns the objects in some files of a Go module whose resource definitions
// are installed: what its own makers give as examples.
func Samples(t testing.TB, module, files string) []*unstructured.Unstructured {
	t.Helper()
	found, err := modules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, err := (&Cluster{modules: found}).sources(source{module, files})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Module returns the folder of a Go module whose resource definitions are installed.
func Module(t testing.TB, module string) string {
	t.Helper()
	found, err := modules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if found[module] == "" {
		t.Fatalf("the module %s is not pinned", module)
	}
	return found[module]
}
