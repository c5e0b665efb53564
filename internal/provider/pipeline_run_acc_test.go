package provider

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

func accRun(arguments string) string {
	return accEnvironment + accPipeline("") + `
resource "mlops_pipeline_run" "test" {
  pipeline = mlops_pipeline.test.id
` + arguments + `
}
`
}

func pipelineRunNoun(w world) accNoun {
	const address = "mlops_pipeline_run.test"
	const endless = accEnvironment + `
resource "mlops_pipeline" "test" {
  environment = mlops_environment.test.id
  name        = "train"
  steps       = { only = { command = ["sleep", "3600"] } }
}
`
	run := statecheck.CompareValue(compare.ValuesDiffer())
	return accNoun{
		address: address,
		config:  accRun(`parameters = { max_depth = 3 }`),
		checks: []statecheck.StateCheck{
			has(address, "id", knownvalue.StringRegexp(regexp.MustCompile("^"+w.id("pipelines/train/runs/")))),
			run.AddStateValue(address, tfjsonpath.New("id")),
			has(address, "status", knownvalue.StringExact("succeeded")),
			has(address, "metrics", knownvalue.MapExact(map[string]knownvalue.Check{"accuracy": knownvalue.Float64Exact(0.9)})),
			has(address, "outputs", knownvalue.MapSizeExact(4)),
			has(address, "lineage", knownvalue.NotNull()),
			has(address, "finished_at", knownvalue.NotNull()),
		},
		update:  accRun("parameters = { max_depth = 5 }\ntriggers = {}"),
		updated: []statecheck.StateCheck{run.AddStateValue(address, tfjsonpath.New("id"))},
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
		around: endless,
		stuck: w.endure(endless + `
resource "mlops_pipeline_run" "test" {
  pipeline = mlops_pipeline.test.id
  timeouts = { create = "10s" }
}
`),
		unsupported: accRun(``) + "resource \"mlops_pipeline_run\" \"bad\" {\n pipeline = mlops_environment.test.id\n}\n",
		refusal:     `Not a pipeline`,
	}
}

func TestAccPipelineRun_basic(t *testing.T)       { testAccBasic(t, pipelineRunNoun) }
func TestAccPipelineRun_update(t *testing.T)      { testAccUpdate(t, pipelineRunNoun) }
func TestAccPipelineRun_disappears(t *testing.T)  { testAccDisappears(t, pipelineRunNoun) }
func TestAccPipelineRun_timeout(t *testing.T)     { testAccTimeout(t, pipelineRunNoun) }
func TestAccPipelineRun_unsupported(t *testing.T) { testAccUnsupported(t, pipelineRunNoun) }

// A run that fails fails the apply; the state keeps the run that succeeded, so
// the next plan runs again.
func TestAccPipelineRun_failed(t *testing.T) {
	const address = "mlops_pipeline_run.test"
	config := func(command string) string {
		return accEnvironment + `
resource "mlops_pipeline" "test" {
  environment = mlops_environment.test.id
  name        = "train"
  steps       = { only = { command = ["` + command + `"] } }
}

resource "mlops_pipeline_run" "test" {
  pipeline = mlops_pipeline.test.id
  triggers = { code = mlops_pipeline.test.version }
}
`
	}
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(config("true"))},
			{Config: w.on(config("false")), ExpectError: regexp.MustCompile(`(?s)only.*(status|code)\s+1`)},
			{Config: w.on(config("false")), PlanOnly: true, ExpectNonEmptyPlan: true},
			{Config: w.on(config("true")), ConfigPlanChecks: willDo(address, plancheck.ResourceActionNoop)},
		}
	})
}
