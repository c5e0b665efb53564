package kubetest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
)

var cluster kubetest.Cluster

func TestMain(m *testing.M) { os.Exit(cluster.Run(m)) }

func TestRefusals(t *testing.T) {
	t.Parallel()
	cluster.Start(t)
	err := cluster.Refused(t, "default", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndatum: {a: b}\n")
	if !strings.Contains(err.Error(), "datum") {
		t.Error(err)
	}
}
