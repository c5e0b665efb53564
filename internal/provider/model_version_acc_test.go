package provider

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

func accVersion(arguments string) string {
	return accModel(`name = "churn"`) + `
resource "mlops_model_version" "test" {
  model = mlops_model.test.id
` + arguments + `
}
`
}

const accBytes = `
  artifact_uri = "SERVER"
  format       = "custom"
  command      = ["sh", "-c", "exec python3 \"$MODEL_PATH\""]
`

func modelVersionNoun(w world) accNoun {
	const address = "mlops_model_version.test"
	return accNoun{
		address: address,
		config:  accVersion(accBytes),
		checks: []statecheck.StateCheck{
			has(address, "id", knownvalue.StringExact(w.id("models/churn/versions/1"))),
			has(address, "version", knownvalue.StringExact("1")),
			has(address, "approval", knownvalue.StringExact("pending")),
			has(address, "aliases", knownvalue.Null()),
		},
		update: accVersion(accBytes + `
  approval    = "approved"
  aliases     = ["champion", "blue"]
  description = "better"
  labels      = { team = "ml" }
`),
		updated: []statecheck.StateCheck{has(address, "version", knownvalue.StringExact("1"))},
		replace: accEnvironment + `
resource "mlops_model" "test" {
  environment = mlops_environment.test.id
  name        = "other"
}

resource "mlops_model_version" "test" {
  model = mlops_model.test.id
` + accBytes + `
}
`,
		around:      accModel(`name = "churn"`),
		stuck:       w.freeze(accVersion(accBytes + `timeouts = { create = "1s" }`)),
		unsupported: accVersion("artifact_uri = \"SERVER\"\nformat = \"sklaern\""),
		refusal:     `Did\s+you\s+mean\s+"sklearn"`,
	}
}

func TestAccModelVersion_basic(t *testing.T)       { testAccBasic(t, modelVersionNoun) }
func TestAccModelVersion_update(t *testing.T)      { testAccUpdate(t, modelVersionNoun) }
func TestAccModelVersion_disappears(t *testing.T)  { testAccDisappears(t, modelVersionNoun) }
func TestAccModelVersion_timeout(t *testing.T)     { testAccTimeout(t, modelVersionNoun) }
func TestAccModelVersion_unsupported(t *testing.T) { testAccUnsupported(t, modelVersionNoun) }

// The bytes decide: a file that changes under the same name is a new version, a
// file that does not is none.
func TestAccModelVersion_bytes(t *testing.T) {
	const address = "mlops_model_version.test"
	config := accVersion("artifact_uri = \"FOLDER/model.onnx\"\nformat = \"onnx\"\nmetrics = { auc = 0.5 }\nsignature = jsonencode({ a = 1 })\n")
	accept(t, func(w world) []resource.TestStep {
		file := filepath.Join(w.folder, "model.onnx")
		write := func(content string) func() {
			return func() {
				if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
					t.Error(err)
				}
			}
		}
		return []resource.TestStep{
			{PreConfig: write("one"), Config: w.on(config)},
			{PreConfig: write("one"), Config: w.on(config), ConfigPlanChecks: willDo(address, plancheck.ResourceActionNoop)},
			{
				PreConfig: write("two"), Config: w.on(config), ConfigPlanChecks: willDo(address, plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{has(address, "version", knownvalue.StringExact("2"))},
			},
			{PreConfig: func() { _ = os.Remove(file) }, Config: w.on(config), ConfigPlanChecks: willDo(address, plancheck.ResourceActionNoop)},
		}
	})
}

// With a run, packages and metrics come from it; an explicit value wins, and a
// new run with the same bytes keeps the version.
func TestAccModelVersion_run(t *testing.T) {
	const address = "mlops_model_version.test"
	config := func(trigger, more string) string {
		return accVersion("run = mlops_pipeline_run.test.id\noutput = \"model\"\nformat = \"sklearn\"\n"+more) + accPipeline("") + `
resource "mlops_pipeline_run" "test" {
  pipeline = mlops_pipeline.test.id
  triggers = { n = "` + trigger + `" }
}
`
	}
	accuracy := statecheck.ExpectKnownValue(address, tfjsonpath.New("metrics").AtMapKey("accuracy"), knownvalue.Float64Exact(0.9))
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(config("1", "")), ConfigStateChecks: []statecheck.StateCheck{accuracy}},
			{
				Config: w.on(config("2", "")), ConfigPlanChecks: willDo(address, plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{accuracy, has(address, "version", knownvalue.StringExact("1"))},
			},
			{Config: w.on(config("2", "metrics = { auc = 0.7 }")), ConfigPlanChecks: willDo(address, plancheck.ResourceActionUpdate)},
		}
	})
}

func TestAccModelVersionDataSource(t *testing.T) {
	lookup := accVersion(accBytes+`aliases = ["champion"]`) + `
data "mlops_model_version" "by_number" {
  model   = mlops_model.test.id
  version = mlops_model_version.test.version
}

data "mlops_model_version" "by_alias" {
  model      = mlops_model.test.id
  alias      = "champion"
  depends_on = [mlops_model_version.test]
}

data "mlops_model" "test" {
  id         = mlops_model.test.id
  depends_on = [mlops_model_version.test]
}
`
	accept(t, func(w world) []resource.TestStep {
		id := knownvalue.StringExact(w.id("models/churn/versions/1"))
		return []resource.TestStep{
			{Config: w.on(lookup), ConfigStateChecks: []statecheck.StateCheck{
				has("data.mlops_model_version.by_number", "id", id),
				has("data.mlops_model_version.by_alias", "id", id),
				has("data.mlops_model_version.by_alias", "format", knownvalue.StringExact("custom")),
				has("data.mlops_model.test", "latest", knownvalue.StringExact("1")),
			}},
			{
				Config:      w.on(lookup + "data \"mlops_model_version\" \"none\" {\n model = mlops_model.test.id\n alias = \"nobody\"\n}\n"),
				ExpectError: regexp.MustCompile(`has\s+the\s+alias\s+"nobody"`),
			},
		}
	})
}
