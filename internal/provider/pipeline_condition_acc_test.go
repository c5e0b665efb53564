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

// accGated is a run of a pipeline whose step publish runs on conditions, and announce
// behind it. train measures an accuracy of 0.9.
func accGated(when, parameters string) string {
	return accEnvironment + `
resource "mlops_pipeline" "test" {
  environment = mlops_environment.test.id
  name        = "train"
  parameters  = { live = { type = "boolean", default = true } }
  steps = {
    train = {
      command = ["sh", "-c", "echo 1 >$MLOPS_OUTPUT_MODEL; echo '{\"accuracy\": 0.9}' >$MLOPS_OUTPUT_METRICS"]
      outputs = ["model", "metrics"]
    }
    publish = {
      command = ["sh", "-c", "cp $MLOPS_INPUT_MODEL $MLOPS_OUTPUT_PAGE"]
      inputs  = { model = "{{steps.train.outputs.model}}" }
      outputs = ["page"]
      when    = ["{{params.live}} == true", "` + when + `"]
    }
    announce = {
      command = ["sh", "-c", "cp $MLOPS_INPUT_PAGE $MLOPS_OUTPUT_MAIL"]
      inputs  = { page = "{{steps.publish.outputs.page}}" }
      outputs = ["mail"]
    }
  }
}

resource "mlops_pipeline_run" "test" {
  pipeline   = mlops_pipeline.test.id
  parameters = ` + parameters + `
  triggers   = { code = mlops_pipeline.test.version }
}

data "mlops_pipeline_run" "test" {
  id = mlops_pipeline_run.test.id
}
`
}

// A step whose conditions do not hold is skipped, with what needs it, and the run
// succeeds without their outputs; one that cannot be decided fails it.
func TestAccPipeline_when(t *testing.T) {
	const run, seen = "mlops_pipeline_run.test", "data.mlops_pipeline_run.test"
	const enough, tooMuch, missing = "{{steps.train.metrics.accuracy}} >= 0.9", "{{steps.train.metrics.accuracy}} > 0.9", "{{steps.train.metrics.recall}} > 0"
	stands := func(outputs int, publish, announce string) []statecheck.StateCheck {
		steps := tfjsonpath.New("steps")
		return []statecheck.StateCheck{
			has(run, "status", knownvalue.StringExact("succeeded")),
			has(run, "outputs", knownvalue.MapSizeExact(outputs)),
			statecheck.ExpectKnownValue(seen, steps.AtMapKey("train").AtMapKey("status"), knownvalue.StringExact("succeeded")),
			statecheck.ExpectKnownValue(seen, steps.AtMapKey("publish").AtMapKey("status"), knownvalue.StringExact(publish)),
			statecheck.ExpectKnownValue(seen, steps.AtMapKey("announce").AtMapKey("status"), knownvalue.StringExact(announce)),
		}
	}
	calm := resource.ConfigPlanChecks{PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(accGated("{{steps.train.metrics.accuracy}} = 0.9", "{}")), ExpectError: regexp.MustCompile(`(?s)Invalid condition.*steps\["publish"\]\.when\[1\].*found "= 0\.9"`)},
			{Config: w.on(accGated("{{steps.trian.metrics.accuracy}} > 0", "{}")), ExpectError: regexp.MustCompile(`(?s)Unknown step.*Did\s+you\s+mean\s+"train"`)},
			{Config: w.on(accGated(enough, "{}")), ConfigStateChecks: stands(4, "succeeded", "succeeded"), ConfigPlanChecks: calm},
			{Config: w.on(accGated(enough, "{ live = false }")), ConfigStateChecks: stands(2, "skipped", "skipped"), ConfigPlanChecks: calm},
			{
				Config: w.on(accGated(tooMuch, "{}")), ConfigPlanChecks: calm,
				ConfigStateChecks: append(
					stands(2, "skipped", "skipped"),
					statecheck.ExpectKnownValue(seen, tfjsonpath.New("steps").AtMapKey("publish").AtMapKey("reason"), knownvalue.StringRegexp(regexp.MustCompile(regexp.QuoteMeta(tooMuch)))),
				),
			},
			{Config: w.on(accGated(missing, "{}")), ExpectError: regexp.MustCompile(`(?s)publish.*recall`)},
			{Config: w.on(accGated(tooMuch, "{}")), ConfigPlanChecks: calm},
		}
	})
}
