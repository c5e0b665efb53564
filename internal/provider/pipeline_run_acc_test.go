package provider

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

func accRun(arguments string) string {
	return accEnvironment + accPipeline + `
resource "mlops_pipeline_run" "test" {
  pipeline = mlops_pipeline.test.id
` + arguments + `
}
`
}

func pipelineRunNoun() accNoun {
	const address = "mlops_pipeline_run.test"
	return accNoun{
		address: address,
		config:  accRun(`parameters = { max_depth = 3 }`),
		checks: []statecheck.StateCheck{
			has(address, "status", knownvalue.StringExact("succeeded")),
			has(address, "metrics", knownvalue.MapExact(map[string]knownvalue.Check{"accuracy": knownvalue.Float64Exact(0.9)})),
			has(address, "outputs", knownvalue.MapSizeExact(4)),
			has(address, "lineage", knownvalue.NotNull()),
			has(address, "finished_at", knownvalue.NotNull()),
		},
		update:  accRun("parameters = { max_depth = 5 }\ntriggers = {}"),
		updated: []statecheck.StateCheck{has(address, "id", knownvalue.StringExact("memory/acc/pipelines/train/runs/2"))},
		replace: accEnvironment + `
resource "mlops_pipeline" "test" {
  environment = mlops_environment.test.id
  name        = "other"
  steps       = { only = { command = ["true"] } }
}

resource "mlops_pipeline_run" "test" {
  pipeline = mlops_pipeline.test.id
}
`,
		stuck:       accRun("triggers = { memory_stuck = \"yes\" }\ntimeouts = { create = \"1s\" }"),
		unsupported: accRun(``) + "resource \"mlops_pipeline_run\" \"bad\" {\n pipeline = mlops_environment.test.id\n}\n",
		refusal:     `Not a pipeline`,
	}
}

func TestAccPipelineRun_basic(t *testing.T)       { pipelineRunNoun().testBasic(t) }
func TestAccPipelineRun_update(t *testing.T)      { pipelineRunNoun().testUpdate(t) }
func TestAccPipelineRun_disappears(t *testing.T)  { pipelineRunNoun().testDisappears(t) }
func TestAccPipelineRun_import(t *testing.T)      { pipelineRunNoun().testImport(t) }
func TestAccPipelineRun_replace(t *testing.T)     { pipelineRunNoun().testReplace(t) }
func TestAccPipelineRun_timeout(t *testing.T)     { pipelineRunNoun().testTimeout(t) }
func TestAccPipelineRun_unsupported(t *testing.T) { pipelineRunNoun().testUnsupported(t) }

// A run that fails fails the apply; the state keeps the run that succeeded, so
// the next plan runs again.
func TestAccPipelineRun_failed(t *testing.T) {
	const address = "mlops_pipeline_run.test"
	failing := accRun(`triggers = { memory_fail = "the data is gone" }`)
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(accRun(`triggers = { n = 1 }`))},
			{Config: w.on(failing), ExpectError: regexp.MustCompile(`(?s)the\s+data\s+is\s+gone`)},
			{
				Config: w.on(failing), PlanOnly: true, ExpectNonEmptyPlan: true,
			},
			{Config: w.on(accRun(`triggers = { n = 1 }`)), ConfigPlanChecks: willDo(address, plancheck.ResourceActionNoop)},
		}
	})
}
