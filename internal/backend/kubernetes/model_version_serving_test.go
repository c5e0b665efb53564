package kubernetes

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow/mlflowtest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// initialize runs KServe's own initializer as a pod has it, with the folder of models
// somewhere else.
const initialize = `
import os, subprocess, sys
python, given, source, target = args[0], args[1], args[2], args[3]
ran = subprocess.run([sys.executable, python + "/storage-initializer/scripts/initializer-entrypoint", source, target],
    env=os.environ | __import__("json").loads(given) | {"PYTHONPATH": python + "/storage"}, capture_output=True, text=True)
out.update(status=ran.returncode, said=ran.stdout + ran.stderr)
`

// TestVersionIsServed proves that what KServe's manager makes of an endpoint fetches the
// very bytes that were registered: its own initializer, with the arguments and the
// variables that its webhook gives it, asks a real MLflow server that lets in nobody
// without leave.
func TestVersionIsServed(t *testing.T) {
	t.Parallel()
	const password = `correct horse, "$(HOME)" $$`
	guarded := tracking.Guarded(t, password)
	for _, tt := range []struct {
		name   string
		format string
		server mlops.MLflow
	}{
		{"user's password", "sklearn", mlops.MLflow{URI: guarded.URI(t), Username: mlflowtest.Admin, Token: password}},
		{"bearer's token", "custom", mlops.MLflow{URI: tracking.Gate(t, "t$$k$(HOME)n").URI, Token: "t$$k$(HOME)n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			control.Start(t, kubetest.KServe)
			tt.server.Mark = "m1"
			e := newEstate(t, servingSettings(t))
			e.spec.Registry = &mlops.Registry{MLflow: &tt.server}
			e.apply()
			seen := e.registered(tt.format)
			if !strings.HasPrefix(seen.Native[nativeServing], tt.server.URI+"/api/2.0/mlflow-artifacts/artifacts/") {
				t.Fatalf("native is %v", seen.Native)
			}
			kind, _ := e.ModelEndpoints().(modelEndpointKind)
			s := serving{t, kind, nil, e.spec.ID, e.spec.Name}
			spec := s.endpoint("iris", seen.Ref)
			s.ready(s.create(spec), spec)

			got := e.fetchedByPod()
			if digest, _, err := mlops.ContentDigest(got); err != nil || digest != seen.Status.Digest {
				t.Errorf("the pod has %s, %v; what was registered has %s", digest, err, seen.Status.Digest)
			}
			e.wantCode("delete what is served", e.ModelVersions().Delete(t.Context(), seen.Ref), mlops.Conflict, "endpoints/iris")
		})
	}
}

// registered is a version of a folder with files in it.
func (e estate) registered(format string) versionObserved {
	e.Helper()
	model, err := e.Models().Create(e.Context(), mlops.ModelSpec{Environment: e.spec.ID, Name: "iris"})
	e.must(err)
	folder := filepath.Join(e.TempDir(), "iris")
	e.must(os.MkdirAll(filepath.Join(folder, "größe"), 0o700))
	e.must(os.WriteFile(filepath.Join(folder, "model.joblib"), []byte(strings.Repeat("weights ", 10_000)), 0o600))
	e.must(os.WriteFile(filepath.Join(folder, "größe", "empty"), nil, 0o600))
	spec := mlops.ModelVersionSpec{Model: model.Ref, ArtifactURI: folder, Format: format, Approval: "approved"}
	if format == "custom" {
		spec.Image = "registry.example.com/serve:1"
	}
	change, err := e.ModelVersions().Create(e.Context(), spec)
	e.must(err)
	seen, err := e.ModelVersions().Get(e.Context(), change.Ref)
	e.must(err)
	return seen
}

// fetchedByPod does what the first pod's initializer does, and returns the folder with
// what it fetched.
func (e estate) fetchedByPod() string {
	e.Helper()
	var pod struct {
		InitContainers []struct {
			Name string
			Args []string
			Env  []struct{ Name, Value string }
		}
	}
	e.settle("a pod", func() bool {
		all := control.List(e.T, "pods", e.spec.Name, "")
		return len(all) > 0 && remarshal(all[0].Object["spec"], &pod) == nil && len(pod.InitContainers) > 0
	})
	first := pod.InitContainers[0]
	if first.Name != "storage-initializer" || len(first.Args) != 2 || first.Args[1] != modelFolder {
		e.Fatalf("the pod begins with %+v", first)
	}
	variables := map[string]string{}
	for _, v := range first.Env {
		variables[v.Name] = expanded(v.Value)
	}
	given, err := json.Marshal(variables)
	e.must(err)
	folder := e.TempDir()
	python := filepath.Join(kubetest.Module(e.T, "github.com/kserve/kserve"), "python")
	if out := tracking.Python(e.T, initialize, python, string(given), first.Args[0], folder); out["status"] != 0.0 {
		e.Fatalf("the initializer ends with %v: %s", out["status"], out["said"])
	}
	return folder
}

// expanded is the value that a container sees: Kubernetes reads two dollars as one, and
// leaves references to what is no variable of the container.
func expanded(value string) string { return strings.ReplaceAll(value, "$$", "$") }

// TestServingNeedsTheSecret proves that an account of the user's that has not the
// registry's secret is refused at plan, with the command that gives it.
func TestServingNeedsTheSecret(t *testing.T) {
	t.Parallel()
	control.Start(t, kubetest.KServe)
	settings := servingSettings(t)
	settings[targetServiceAccount] = "theirs"
	e := newEstate(t, settings)
	e.spec.Registry = &mlops.Registry{MLflow: &mlops.MLflow{URI: tracking.Gate(t, "s3cret").URI, Token: "s3cret", Mark: "m1"}}
	_, err := e.Environments().Create(t.Context(), e.spec)
	e.must(err)
	control.Apply(t, e.spec.Name, `{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "theirs"}}`)
	seen := e.registered("sklearn")
	spec := mlops.ModelEndpointSpec{Environment: e.spec.ID, Name: "iris", Variants: map[string]mlops.Variant{"main": {Version: seen.Ref, Traffic: 100}}}
	wantOne(t, "without", problemsOf(e, e.ModelEndpoints(), spec), "environment", `kubectl patch serviceaccount theirs`)
	control.Patch(t, e.ref("serviceaccounts", "theirs"), `{"secrets": [{"name": "mlops-registry"}]}`)
	wantOne(t, "with", problemsOf(e, e.ModelEndpoints(), spec), "", "")
}
