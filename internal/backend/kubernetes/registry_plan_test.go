package kubernetes

import (
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// problemsOf are the problems that a plan of a noun has, as "path: detail".
func problemsOf[Spec any](e estate, kind any, spec Spec) []string {
	e.Helper()
	c := mlops.NewChecker()
	planner, _ := kind.(mlops.Preflighter[Spec])
	e.must(planner.Preflight(e.Context(), spec, c))
	var out []string
	for _, p := range c.Problems() {
		out = append(out, p.Path.String()+": "+p.Detail)
	}
	return out
}

// wantOne insists on one problem at a path with a word, or on none where the path is "".
func wantOne(t *testing.T, what string, got []string, path, word string) {
	t.Helper()
	if path == "" && len(got) == 0 {
		return
	}
	if len(got) != 1 || !strings.HasPrefix(got[0], path+": ") || !strings.Contains(got[0], word) {
		t.Errorf("%s: problems are %q, want one at %q with %q", what, got, path, word)
	}
}

// TestRegistryAtPlan proves what is refused of a registry before anything is changed: a
// token that the server does not take, and one that would be taken from models, or move
// to where they are not.
func TestRegistryAtPlan(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	gate := tracking.Gate(t, "s3cret")
	with := func(uri, token, mark string) estate {
		out := e
		out.spec.Registry = &mlops.Registry{MLflow: &mlops.MLflow{URI: uri, Token: token, Mark: mark}}
		return out
	}
	good := with(gate.URI, "s3cret", "m1")
	wantOne(t, "good", good.preflight(), "", "")
	wantOne(t, "wrong token", with(gate.URI, "wrong", "m2").preflight(), "registry.mlflow.token", "who are you?")
	wantOne(t, "no token", with(gate.URI, "", "").preflight(), "registry.mlflow.token", "no token is given")
	wantOne(t, "unknown token", with(gate.URI, "", "m1").preflight(), "registry.mlflow.token", "give it again")
	wantOne(t, "no server", with("http://127.0.0.1:1", "", "").preflight(), "registry.mlflow.uri", "has to when this is applied")
	wrong := with(gate.URI, "wrong", "m2")
	_, err := e.Environments().Create(t.Context(), wrong.spec)
	e.wantCode("create with a wrong token", err, mlops.Unauthenticated, "who are you?")
	if control.Exists(t, e.home()) {
		t.Error("a refused environment was made")
	}

	good.apply()
	wantOne(t, "kept", with(gate.URI, "", "m1").preflight(), "", "")
	wantOne(t, "moved without its token", with(gate.URI+"/", "", "m1").preflight(), "registry.mlflow.token", "give it again")
	_, err = e.Models().Create(t.Context(), mlops.ModelSpec{Environment: e.spec.ID, Name: "m"})
	e.must(err)
	elsewhere := tracking.Another(t).URI(t)
	wantOne(t, "taken away", e.preflight(), "registry", "has models")
	wantOne(t, "moved", with(elsewhere, "", "").preflight(), "registry.mlflow.uri", "is not at "+elsewhere)
	_, err = e.Environments().Update(t.Context(), e.spec.ID, e.spec)
	e.wantCode("update without it", err, mlops.Invalid, "has models")
	wantOne(t, "moved to where it is too", with(tracking.URI(t), "", "").preflight(), "", "")
	e.wantCode("delete", e.Environments().Delete(t.Context(), e.spec.ID), mlops.Conflict, "models/m")
}

// TestWithoutRegistry proves that models and versions are refused at plan, and at apply,
// in an environment that has no registry, and that there are none.
func TestWithoutRegistry(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	model := mlops.ModelSpec{Environment: e.spec.ID, Name: "m"}
	version := mlops.ModelVersionSpec{Model: model.ID(), ArtifactURI: "/dev/null", Format: "sklearn", Approval: "approved"}
	wantOne(t, "in an environment to come", problemsOf(e, e.Models(), model), "", "")
	e.apply()
	wantOne(t, "model", problemsOf(e, e.Models(), model), "environment", "registry = { mlflow = {")
	wantOne(t, "version", problemsOf(e, e.ModelVersions(), version), "model", "registry = { mlflow = {")
	_, err := e.Models().Create(t.Context(), model)
	e.wantCode("create", err, mlops.Unsupported, "registry = { mlflow = {")
	_, err = e.Models().Get(t.Context(), model.ID())
	e.wantCode("get", err, mlops.NotFound)
	e.wantCode("delete", e.ModelVersions().Delete(t.Context(), model.ID().Child(mlops.NounModelVersion, "1")), mlops.NotFound)
	e.must(e.Environments().Delete(t.Context(), e.spec.ID))
}

// TestVersionSourcesAtPlan proves that bytes that could never be read are refused at
// plan, with what to do.
func TestVersionSourcesAtPlan(t *testing.T) {
	t.Parallel()
	e := newEstate(t, mlops.Settings{targetStorage: "s3://steps"})
	e.spec.Registry = &mlops.Registry{MLflow: &mlops.MLflow{URI: tracking.Gate(t, "s3cret").URI, Token: "s3cret", Mark: "m1"}}
	e.apply()
	model := e.spec.ID.Child(mlops.NounModel, "m")
	for _, tt := range []struct {
		name string
		spec mlops.ModelVersionSpec
		path string
		word string
	}{
		{name: "file", spec: mlops.ModelVersionSpec{ArtifactURI: "model.bin"}},
		{name: "the server's own", spec: mlops.ModelVersionSpec{ArtifactURI: "mlflow-artifacts:/1/a/artifacts/model"}},
		{name: "bucket", spec: mlops.ModelVersionSpec{ArtifactURI: "s3://bucket/model"}, path: "artifact_uri", word: "download it first"},
		{name: "web", spec: mlops.ModelVersionSpec{ArtifactURI: "https://example.com/model"}, path: "artifact_uri", word: "download it first"},
		{name: "run in storage", spec: mlops.ModelVersionSpec{Run: e.spec.ID + "/pipelines/train/runs/one", Output: "model"}, path: "run", word: "with a username"},
		{name: "alias", spec: mlops.ModelVersionSpec{ArtifactURI: "model.bin", Aliases: []string{"latest"}}, path: "aliases[0]", word: "choose another"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.spec.Model, tt.spec.Format, tt.spec.Approval = model, "sklearn", "approved"
			wantOne(t, tt.name, problemsOf(e, e.ModelVersions(), tt.spec), tt.path, tt.word)
		})
	}
}
