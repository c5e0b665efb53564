package kubernetes

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/driftjob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow/mlflowtest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops/mlopstest"
)

// control is the control plane that the tests of this package share.
var control kubetest.Cluster

// tracking is the MLflow server that the tests of this package share.
var tracking mlflowtest.Server

// asProgram has the test binary be the program of the provider's image.
const asProgram = "MLOPS_TEST_PROGRAM"

// TestMain keeps the tests from whatever cluster the machine has access to.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(driftjob.Command(context.Background(), os.Args[2:])) // the first is drift
	}
	if err := os.Setenv("KUBECONFIG", os.DevNull); err != nil {
		panic(err)
	}
	code := control.Run(m)
	if err := tracking.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "end MLflow:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// testCluster is the name of the tests' cluster in IDs.
const testCluster = "test"

// TestConformance runs the suite against a real API server with the controllers that
// remove namespaces.
func TestConformance(t *testing.T) {
	t.Parallel()
	control.Start(t, kubetest.Controllers)
	uri := tracking.URI(t)
	world := func(t *testing.T) mlopstest.World {
		t.Helper()
		w := newWorld(t)
		w.Adapt = atServer(uri)
		return w
	}
	mlopstest.Run(t, mlopstest.Harness{Factory: Factory(), NewWorld: world, Nouns: []mlops.Noun{mlops.NounEnvironment}})
}

// worlds counts them: they share the cluster's one space of namespaces.
var worlds atomic.Int64

func newWorld(t *testing.T) mlopstest.World {
	t.Helper()
	return mlopstest.World{
		Scope:  []string{testCluster},
		Prefix: fmt.Sprintf("w%d-", worlds.Add(1)),
		Open: func(t *testing.T, owner string) mlops.Backend {
			t.Helper()
			return openAs(owner)
		},
	}
}

// openAs opens the backend on the tests' cluster in the name of an owner.
func openAs(owner string) *backend {
	return open(mlops.Options{Settings: testSettings(), Owner: owner, Version: "dev"})
}

func testSettings() mlops.Settings {
	access := control.Access()
	return mlops.Settings{
		settingHost: access.Host, settingToken: access.Token, settingCA: string(access.CA), settingCluster: testCluster,
		settingQPS: int64(1000), settingBurst: int64(1000),
	}
}

// TestAnswers proves that every feature is answered, and what is not native with what
// to know of it.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, doc := range mlops.Features() {
		if a, ok := capabilities().Features[doc.Feature]; !ok || a.Support != mlops.Native && a.Note == "" {
			t.Errorf("%s is answered by %+v", doc.Feature, a)
		}
	}
}
