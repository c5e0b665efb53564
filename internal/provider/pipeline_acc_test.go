package provider

import (
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// accPipeline is a pipeline that can be run. It takes more arguments for its
// first step. The schedule never comes in the way: its day is every fourth year.
func accPipeline(prepare string) string {
	return `
resource "mlops_pipeline" "test" {
  environment = mlops_environment.test.id
  name        = "train"
  parameters  = { max_depth = { type = "integer", default = 4 } }
  steps = {
    prepare = {
      command = ["sh", "-c", "echo 1 >$MLOPS_OUTPUT_TRAIN; echo 2 >$MLOPS_OUTPUT_TEST"]
      outputs = ["train", "test"]
      ` + prepare + `
    }
    train = {
      script  = <<-EOT
        import os
        for output, text in {"MODEL": "weights", "METRICS": '{"accuracy": 0.9}'}.items():
            open(os.environ["MLOPS_OUTPUT_" + output], "w").write(text)
      EOT
      inputs  = { train = "{{steps.prepare.outputs.train}}", test = "{{steps.prepare.outputs.test}}" }
      env     = { MAX_DEPTH = "{{params.max_depth}}" }
      outputs = ["model", "metrics"]
      compute = { cpu = 1, memory = "1Gi" }
      retry   = { attempts = 3, backoff = "10s" }
      timeout = "30m"
    }
  }
  schedule = { cron = "0 3 29 2 *", timezone = "Australia/Sydney" }
}
`
}

func pipelineNoun(w world) accNoun {
	n := pipelineNounOf(w)
	if w.beyond[mlops.NounPipeline] == "" { // the platform has all that steps can ask for
		n.unsupported = strings.Replace(n.unsupported, `"train"`, `"Train It"`, 1)
		n.refusal = `not a valid name here`
	}
	return n
}

func pipelineNounOf(w world) accNoun {
	const address = "mlops_pipeline.test"
	schedule := tfjsonpath.New("schedule")
	return accNoun{
		address: address,
		config:  accEnvironment + accPipeline(`packages = ["scikit-learn==1.7.2", "pandas==2.3.3"]`),
		checks: []statecheck.StateCheck{
			has(address, "id", knownvalue.StringExact(w.id("pipelines/train"))),
			has(address, "version", knownvalue.StringRegexp(regexp.MustCompile(`^[0-9a-f]{12}$`))),
			statecheck.ExpectKnownValue(address, schedule.AtMapKey("enabled"), knownvalue.Bool(true)),
			statecheck.ExpectKnownValue(address, tfjsonpath.New("steps").AtMapKey("prepare").AtMapKey("cache"), knownvalue.Bool(true)),
			statecheck.ExpectKnownValue(address, tfjsonpath.New("steps").AtMapKey("prepare").AtMapKey("env"), knownvalue.Null()),
		},
		update: accEnvironment + `
resource "mlops_pipeline" "test" {
  environment = mlops_environment.test.id
  name        = "train"
  description = "Now with one step"
  parameters  = {}
  parallelism = 2
  steps = {
    only = { command = ["true"], packages = [], inputs = {}, env = {}, outputs = [], after = [], when = [], cache = false, compute = {} }
  }
  schedule = { cron = "@daily", enabled = false }
}
`,
		updated: []statecheck.StateCheck{
			has(address, "parameters", knownvalue.MapSizeExact(0)),
			statecheck.ExpectKnownValue(address, schedule.AtMapKey("timezone"), knownvalue.Null()),
			statecheck.ExpectKnownValue(address, tfjsonpath.New("steps").AtMapKey("only").AtMapKey("packages"), knownvalue.ListSizeExact(0)),
		},
		replace: accEnvironment + `
resource "mlops_pipeline" "test" {
  environment = mlops_environment.test.id
  name        = "other"
  steps       = { only = { command = ["true"] } }
}
`,
		around: accEnvironment,
		stuck: w.freeze(accEnvironment + `
resource "mlops_pipeline" "test" {
  environment = mlops_environment.test.id
  name        = "train"
  steps       = { only = { command = ["true"] } }
  timeouts    = { create = "1s" }
}
`),
		unsupported: accEnvironment + `
resource "mlops_pipeline" "test" {
  environment = mlops_environment.test.id
  name        = "train"
  steps       = { only = { command = ["true"], ` + w.beyond[mlops.NounPipeline] + ` } }
}
`,
		refusal: `Not available on ` + w.backend,
	}
}

func TestAccPipeline_basic(t *testing.T)       { testAccBasic(t, pipelineNoun) }
func TestAccPipeline_update(t *testing.T)      { testAccUpdate(t, pipelineNoun) }
func TestAccPipeline_disappears(t *testing.T)  { testAccDisappears(t, pipelineNoun) }
func TestAccPipeline_timeout(t *testing.T)     { testAccTimeout(t, pipelineNoun) }
func TestAccPipeline_unsupported(t *testing.T) { testAccUnsupported(t, pipelineNoun) }

// accWrites is a script, in one line, that writes the outputs a and b.
const accWrites = `import os; [open(os.environ['MLOPS_OUTPUT_' + o], 'w').close() for o in 'AB']`

// What is written differently but means the same is no change, and a change of
// what a run would do is known at plan by its version.
func TestAccPipeline_equal(t *testing.T) {
	config := func(timeout, memory, script string) string {
		return accEnvironment + `
resource "mlops_pipeline" "test" {
  environment = mlops_environment.test.id
  name        = "train"
  steps = {
    only = { script = "` + accWrites + ` # ` + script + `", outputs = ["b", "a"], timeout = "` + timeout + `", compute = { memory = "` + memory + `" } }
  }
}

resource "mlops_pipeline_run" "test" {
  pipeline = mlops_pipeline.test.id
  triggers = { code = mlops_pipeline.test.version }
}
`
	}
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(config("90s", "4Gi", "1"))},
			{Config: w.on(config("1m30s", "4096Mi", "1")), ConfigPlanChecks: willDo("mlops_pipeline.test", plancheck.ResourceActionNoop)},
			{
				Config: w.on(config("1m30s", "4096Mi", "2")),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectKnownValue("mlops_pipeline_run.test", tfjsonpath.New("triggers").AtMapKey("code"), knownvalue.NotNull()),
					plancheck.ExpectUnknownValue("mlops_pipeline_run.test", tfjsonpath.New("id")),
				}},
			},
		}
	})
}
