package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

func accExperiment(arguments string) string {
	return accEnvironment + `
resource "mlops_experiment" "test" {
  environment = mlops_environment.test.id
` + arguments + `
}
`
}

func experimentNoun(w world) accNoun {
	const address = "mlops_experiment.test"
	return accNoun{
		address:     address,
		config:      accExperiment(`name = "churn"`),
		checks:      []statecheck.StateCheck{has(address, "id", knownvalue.StringExact(w.id("experiments/churn")))},
		update:      accExperiment("name = \"churn\"\ndescription = \"Größe 🙂\"\nlabels = { team = \"ml\" }"),
		updated:     []statecheck.StateCheck{has(address, "description", knownvalue.StringExact("Größe 🙂"))},
		replace:     accExperiment(`name = "other"`),
		around:      accEnvironment,
		stuck:       w.freeze(accExperiment("name = \"churn\"\ntimeouts = { create = \"1s\" }")),
		unsupported: accExperiment(`name = "Churn Trials"`),
		refusal:     `not a valid name here`,
	}
}

func TestAccExperiment_basic(t *testing.T)       { testAccBasic(t, experimentNoun) }
func TestAccExperiment_update(t *testing.T)      { testAccUpdate(t, experimentNoun) }
func TestAccExperiment_disappears(t *testing.T)  { testAccDisappears(t, experimentNoun) }
func TestAccExperiment_timeout(t *testing.T)     { testAccTimeout(t, experimentNoun) }
func TestAccExperiment_unsupported(t *testing.T) { testAccUnsupported(t, experimentNoun) }

// A run of a pipeline that names the experiment is tracked in it, and found as
// the newest that has succeeded.
func TestAccExperiment_tracks(t *testing.T) {
	config := accExperiment(`name = "churn"`) + `
resource "mlops_pipeline" "test" {
  environment = mlops_environment.test.id
  name        = "train"
  experiment  = mlops_experiment.test.id
  parameters  = { depth = { type = "integer", default = "4" } }
  steps = { train = {
    command = ["sh", "-c", "printf '{\"accuracy\": 0.9}' > \"$MLOPS_OUTPUT_METRICS\""]
    outputs = ["metrics"]
  } }
}
resource "mlops_pipeline_run" "test" {
  pipeline   = mlops_pipeline.test.id
  parameters = { depth = "7" }
}
data "mlops_experiment" "test" {
  id         = mlops_experiment.test.id
  depends_on = [mlops_pipeline_run.test]
}
data "mlops_pipeline_run" "newest" {
  pipeline   = mlops_pipeline.test.id
  status     = "succeeded"
  depends_on = [mlops_pipeline_run.test]
}
output "same" { value = data.mlops_pipeline_run.newest.id == mlops_pipeline_run.test.id }
`
	const address = "data.mlops_experiment.test"
	first := func(name string) tfjsonpath.Path { return tfjsonpath.New("runs").AtSliceIndex(0).AtMapKey(name) }
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{{Config: w.on(config), ConfigStateChecks: []statecheck.StateCheck{
			has(address, "total", knownvalue.Int64Exact(1)),
			statecheck.ExpectKnownValue(address, first("status"), knownvalue.StringExact("succeeded")),
			statecheck.ExpectKnownValue(address, first("parameters").AtMapKey("depth"), knownvalue.StringExact("7")),
			statecheck.ExpectKnownOutputValue("same", knownvalue.Bool(true)),
		}}}
	})
}
