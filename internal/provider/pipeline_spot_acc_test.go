package provider

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// A step on spot capacity that is interrupted goes on from its checkpoints. What it
// wrote is read by the steps behind it, by the run and by a version.
func TestAccPipeline_spot(t *testing.T) {
	const run = "mlops_pipeline_run.test"
	const config = accEnvironment + `
resource "mlops_pipeline" "test" {
  environment = mlops_environment.test.id
  name        = "train"
  steps = {
    prepare = { command = ["sh", "-c", "echo 1 >$MLOPS_OUTPUT_TRAIN"], outputs = ["train"] }
    fit = {
      command = ["sh", "-c", <<-EOT
        if ! test -e $MLOPS_CHECKPOINTS/epoch; then echo 1 >$MLOPS_CHECKPOINTS/epoch; exit 1; fi
        cp $MLOPS_INPUT_TRAIN $MLOPS_OUTPUT_MODEL; echo '{"accuracy": 0.9}' >$MLOPS_OUTPUT_METRICS
      EOT
      ]
      inputs  = { train = "{{steps.prepare.outputs.train}}" }
      outputs = ["model", "metrics"]
      compute = { cpu = 1, spot = true }
      retry   = { attempts = 2 }
    }
    report = {
      command = ["sh", "-c", "cp $MLOPS_INPUT_MODEL $MLOPS_OUTPUT_PAGE"]
      inputs  = { model = "{{steps.fit.outputs.model}}" }
      outputs = ["page"]
    }
  }
}

resource "mlops_pipeline_run" "test" {
  pipeline = mlops_pipeline.test.id
}

resource "mlops_model" "test" {
  environment = mlops_environment.test.id
  name        = "trees"
}

resource "mlops_model_version" "test" {
  model  = mlops_model.test.id
  run    = mlops_pipeline_run.test.id
  output = "fit.model"
  format = "sklearn"
}
`
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{{
			Config: w.on(config),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("mlops_pipeline.test", tfjsonpath.New("steps").AtMapKey("fit").AtMapKey("compute").AtMapKey("spot"), knownvalue.Bool(true)),
				has(run, "status", knownvalue.StringExact("succeeded")),
				has(run, "outputs", knownvalue.MapSizeExact(4)),
				has(run, "metrics", knownvalue.MapExact(map[string]knownvalue.Check{"accuracy": knownvalue.Float64Exact(0.9)})),
				has("mlops_model_version.test", "digest", knownvalue.StringRegexp(regexp.MustCompile("^sha256:[0-9a-f]{64}$"))),
			},
			ConfigPlanChecks: resource.ConfigPlanChecks{PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
		}}
	})
}
