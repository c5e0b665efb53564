package provider

import (
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The whole chain is found from its end: through the promotion to the run that
// made the bytes, and the pipeline.
func TestAccLineageDataSource(t *testing.T) {
	config := accEnvironment + accTarget + `
resource "mlops_dataset" "test" {
  environment = mlops_environment.test.id
  name        = "customers"
  uri         = "TABLE"
}

resource "mlops_pipeline" "test" {
  environment = mlops_environment.test.id
  name        = "train"
  steps = {
    fit = {
      command = ["sh", "-c", "cp \"$MLOPS_INPUT_DATA\" \"$MLOPS_OUTPUT_MODEL\""]
      inputs  = { data = "{{datasets.customers}}" }
      outputs = ["model"]
    }
  }
  depends_on = [mlops_dataset.test]
}

resource "mlops_pipeline_run" "test" {
  pipeline = mlops_pipeline.test.id
}

resource "mlops_model" "test" {
  environment = mlops_environment.test.id
  name        = "churn"
}

resource "mlops_model_version" "test" {
  model  = mlops_model.test.id
  run    = mlops_pipeline_run.test.id
  output = "model"
  format = "onnx"
}

resource "mlops_promotion" "test" {
  from = mlops_model_version.test.id
  to   = mlops_model.prod.id
}

data "mlops_lineage" "test" {
  id = mlops_promotion.test.id
}
`
	const address = "data.mlops_lineage.test"
	accept(t, func(w world) []resource.TestStep {
		promoted := w.idIn("acc-prod", "models/churn/versions/1")
		made := w.id("models/churn/versions/1")
		nodes, edges := 5, 4
		if w.backend == "memory" { // where nothing is read
			nodes, edges = 4, 3
		}
		edge := tfjsonpath.New("edges").AtMapKey(made + " -> " + promoted).AtMapKey("relation")
		return []resource.TestStep{
			{Config: w.on(config), ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(address, tfjsonpath.New("nodes"), knownvalue.MapSizeExact(nodes)),
				statecheck.ExpectKnownValue(address, tfjsonpath.New("nodes").AtMapKey(w.id("pipelines/train")).AtMapKey("noun"), knownvalue.StringExact("pipeline")),
				statecheck.ExpectKnownValue(address, tfjsonpath.New("edges"), knownvalue.MapSizeExact(edges)),
				statecheck.ExpectKnownValue(address, edge, knownvalue.StringExact(mlops.RelationPromoted)),
				statecheck.ExpectKnownValue(address, tfjsonpath.New("table"), knownvalue.StringRegexp(regexp.MustCompile(`(?s)^WHAT.*pipeline .*pipeline run.*model version.*`+regexp.QuoteMeta(promoted)))),
			}},
			{Config: w.on(config + "data \"mlops_lineage\" \"none\" {\n id = \"BACKEND/never/endpoints/x\"\n}\n"), ExpectError: regexp.MustCompile(`not\s+found`)},
			{Config: w.on(config + "data \"mlops_lineage\" \"none\" {\n id = \"nonsense\"\n}\n"), ExpectError: regexp.MustCompile(`Not\s+an\s+ID`)},
		}
	})
}

func TestLineageTable(t *testing.T) {
	t.Parallel()
	got := lineageTable(mlops.LineageGraph{
		Nodes: []mlops.LineageNode{
			{ID: "local/dev/pipelines/train/runs/1", Noun: mlops.NounPipelineRun, Detail: "succeeded"},
			{ID: "local/dev/models/m/versions/1", Noun: mlops.NounModelVersion, Detail: "approved"},
		},
		Edges: []mlops.LineageEdge{{From: "local/dev/pipelines/train/runs/1", To: "local/dev/models/m/versions/1", Relation: mlops.RelationMade}},
	})
	want := strings.Join([]string{
		"WHAT           ID                                          MADE  DETAIL",
		"pipeline run   local/dev/pipelines/train/runs/1                  succeeded",
		"model version  local/dev/models/m/versions/1                     approved",
		"                 local/dev/pipelines/train/runs/1 made it",
	}, "\n")
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
