package kubernetes

import (
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// warningsOf are the words of a plan about a spec of which something is not known yet.
func warningsOf[Spec any](e estate, kind any, spec Spec, unknown ...mlops.Path) []string {
	e.Helper()
	c := mlops.NewChecker(unknown...)
	seer, _ := kind.(mlops.Forewarner[Spec])
	e.must(seer.Forewarn(e.Context(), spec, c))
	var out []string
	for _, p := range c.Problems() {
		if !p.Warning {
			e.Errorf("forewarned of an error: %s", p.Error())
		}
		out = append(out, p.Path.String()+": "+p.Detail)
	}
	return out
}

// TestPlannedEnvironment proves that what is in an environment that the same plan makes
// is judged by what that will be: before anything has trained.
func TestPlannedEnvironment(t *testing.T) {
	t.Parallel()
	gate := tracking.Gate(t, "s3cret").URI
	alone := &mlops.MLflow{URI: gate, Token: "s3cret"}
	for _, tt := range []struct {
		name                   string
		storage                string
		server                 *mlops.MLflow
		output, input, version string // words of the problems
	}{
		{name: "token alone", server: alone, output: "add registry.mlflow.username", input: "add registry.mlflow.username"},
		{name: "token and storage", server: alone, storage: "s3://steps", input: "add registry.mlflow.username", version: "with a username"},
		{name: "token of a user", server: &mlops.MLflow{URI: gate, Token: "s3cret", Username: "us"}},
		{name: "open", server: &mlops.MLflow{URI: tracking.URI(t)}},
		{name: "storage alone", storage: "s3://steps", input: "no registry.mlflow", version: "with a username"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newEstate(t, mlops.Settings{})
			if tt.storage != "" {
				e.spec.Target.Settings[targetStorage] = tt.storage
			}
			if tt.server != nil {
				e.spec.Registry = &mlops.Registry{MLflow: tt.server}
			}
			e.preflight()
			e.judgePlanned(tt.output, tt.input, tt.version)
		})
	}
}

// judgePlanned plans what is in an environment that is not there, and insists on the words
// that there are about a step's output, a step's input and a version of what that wrote.
func (e estate) judgePlanned(output, input, version string) {
	e.Helper()
	path := func(at, word string) string {
		if word == "" {
			return ""
		}
		return at
	}
	writes := mlops.PipelineSpec{Environment: e.spec.ID, Name: "train", Steps: map[string]mlops.Step{"fit": {Script: "pass", Outputs: []string{"model"}}}}
	wantOne(e.T, "output", problemsOf(e, e.Pipelines(), writes), path(`steps["fit"].outputs`, output), output)
	reads := mlops.PipelineSpec{Environment: e.spec.ID, Name: "train", Steps: map[string]mlops.Step{"fit": {Script: "pass", Inputs: map[string]string{"data": "mlflow-artifacts:/1/train.csv"}}}}
	wantOne(e.T, "input", problemsOf(e, e.Pipelines(), reads), path(`steps["fit"].inputs["data"]`, input), input)
	model := mlops.ModelVersionSpec{Model: e.spec.ID.Child(mlops.NounModel, "m"), Output: "model", Format: "sklearn", Approval: "approved"}
	wantOne(e.T, "version of a run to come", warningsOf(e, e.ModelVersions(), model, mlops.At("run")), path("output", version), version)
	data := mlops.DatasetSpec{Environment: e.spec.ID, Name: "d", Output: "data"}
	wantOne(e.T, "dataset of a run to come", warningsOf(e, e.Datasets(), data, mlops.At("run")), path("output", version), version)
	if e.spec.MLflowRegistry() != nil {
		model.Run = e.spec.ID + "/pipelines/train/runs/one"
		wantOne(e.T, "version", problemsOf(e, e.ModelVersions(), model), path("run", version), version)
	}
}

// TestPlannedRegistry proves that a plan that gives a registry to an environment, or takes
// it away, judges models by that, and that this is over when it is applied.
func TestPlannedRegistry(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	model := mlops.ModelSpec{Environment: e.spec.ID, Name: "m"}
	e.apply()
	wantOne(t, "without", problemsOf(e, e.Models(), model), "environment", "registry = { mlflow = {")
	with := e
	with.spec.Registry = &mlops.Registry{MLflow: &mlops.MLflow{URI: tracking.URI(t)}}
	wantOne(t, "environment", with.preflight(), "", "")
	wantOne(t, "planned", problemsOf(e, e.Models(), model), "", "")
	wantOne(t, "planned without", e.preflight(), "", "")
	wantOne(t, "without again", problemsOf(e, e.Models(), model), "environment", "registry = { mlflow = {")
	with.preflight()
	e.apply() // of something else than was planned
	wantOne(t, "applied", problemsOf(e, e.Models(), model), "environment", "registry = { mlflow = {")
	e.must(e.Environments().Delete(t.Context(), e.spec.ID))
}
