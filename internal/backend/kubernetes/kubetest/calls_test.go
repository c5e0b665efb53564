package kubetest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
)

// TestCalls proves that the API server's own log has every request of the user who is
// counted when that has its answer, by user agent, and nobody else's.
func TestCalls(t *testing.T) {
	t.Parallel()
	cluster.Start(t)
	config := cluster.Counted().Config()
	config.UserAgent = "client/" + kubetest.Name("counted")
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	maps := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace("default")
	name := kubetest.Name("counted")
	manifest := "{apiVersion: v1, kind: ConfigMap, metadata: {name: " + name + "}}"
	for _, dryRun := range [][]string{{metav1.DryRunAll}, nil} {
		options := metav1.PatchOptions{FieldManager: "test", DryRun: dryRun}
		if _, err := maps.Patch(t.Context(), name, types.ApplyPatchType, []byte(manifest), options); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := maps.List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := maps.Get(t.Context(), name, metav1.GetOptions{}, "status"); err == nil {
		t.Error("config maps have a status")
	}
	cluster.Delete(t, kubetest.Ref{Resource: "configmaps", Namespace: "default", Name: name})
	all, err := cluster.Calls(config.UserAgent)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, call := range all {
		got = append(got, call.String())
	}
	want := []string{"patch configmaps without effect", "patch configmaps", "list configmaps", "get configmaps/status"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
