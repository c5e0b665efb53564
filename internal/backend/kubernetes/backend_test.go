package kubernetes

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

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

// TestConformance runs the suite with all nouns at once: a real API server, KServe's and
// Argo's own controllers, a gateway that takes routes, and environments with everything,
// whose registry is a real MLflow server. No container runs: what a step's program would
// have written is said by the test.
func TestConformance(t *testing.T) {
	t.Parallel()
	control.Start(t, kubetest.KServe, kubetest.Argo)
	control.Apply(t, "", machines)
	mlopstest.Run(t, mlopstest.Harness{Factory: Factory(), NewWorld: newFullWorld, Patience: 3 * time.Minute})
}

// TestKnativeConformance runs the suite for endpoints in Knative mode, with KServe's own
// manager and Knative's controllers. Versions are the test's own.
func TestKnativeConformance(t *testing.T) {
	t.Parallel()
	control.Start(t, kubetest.KServe, kubetest.Knative)
	control.Apply(t, "", machines)
	factory := Factory()
	factory.Capabilities = knativeCapabilities()
	mlopstest.Run(t, mlopstest.Harness{Factory: factory, NewWorld: newKnativeWorld, Nouns: []mlops.Noun{mlops.NounModelEndpoint}, Patience: 3 * time.Minute})
}

// newKnativeWorld is one whose endpoints are services of Knative's.
func newKnativeWorld(t *testing.T) mlopstest.World {
	t.Helper()
	w := newWorld(t)
	kept := &shelf{versions: map[mlops.ID]mlops.ModelVersionSpec{}, models: map[mlops.ID]mlops.ModelSpec{}}
	w.Open = func(t *testing.T, owner string) mlops.Backend {
		t.Helper()
		return shelved{openAs(owner), kept}
	}
	w.Target = mlops.Target{Settings: mlops.Settings{targetMode: modeKnative, targetStorage: "s3://bucket", targetPrometheus: "http://prometheus.monitoring:9090"}}
	w.Image, w.Machine = "registry.example.com/serve:1", "m7i.large"
	w.Artifact = func(_ *testing.T, content string) string { return "s3://bucket/" + revisionOf(content) }
	w.Overrides = map[mlops.Noun]string{mlops.NounModelEndpoint: `{"InferenceService": {"spec": {"predictor": {"terminationGracePeriodSeconds": 7}}}}`}
	w.Adapt, w.Break = adaptEndpoint, breakEndpoint
	return w
}

// TestBareConformance runs the suite for environments that have nothing.
func TestBareConformance(t *testing.T) {
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

// environmentsOfWorld is how many environments of a world have their pods played.
const environmentsOfWorld = 9

// newFullWorld is one whose environments have all that any noun can need.
func newFullWorld(t *testing.T) mlopstest.World {
	t.Helper()
	w, uri := newWorld(t), tracking.URI(t)
	w.Target = mlops.Target{Settings: servingSettings(t)}
	w.Image, w.Machine = "registry.example.com/serve:1", "m7i.large"
	w.Definition = `{"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate", "spec": {"entrypoint": "a", "templates": [{"name": "a", "container": {"image": "busybox", "command": ["true"]}}]}}`
	w.Overrides = map[mlops.Noun]string{
		mlops.NounModelEndpoint: `{"InferenceService": {"spec": {"predictor": {"terminationGracePeriodSeconds": 7}}}}`,
		mlops.NounMonitor:       `{"CronWorkflow": {"spec": {"workflowSpec": {"priority": 7}}}}`,
	}
	w.Adapt = func(spec any) any { return adaptMonitor(adaptEndpoint(atServer(uri)(spec))) }
	w.Break = breakEndpoint
	outputs := keepOutputs(func(output string) string { return "bytes of " + output })
	for i := range environmentsOfWorld {
		control.Play(t, fmt.Sprintf("%ssuite-%d", w.Prefix, i+1), outputs)
	}
	w.Open = func(t *testing.T, owner string) mlops.Backend {
		t.Helper()
		return sharing{openAs(owner), uri}
	}
	return w
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
