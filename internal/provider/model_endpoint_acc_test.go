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
)

func accEndpoint(arguments string) string {
	return accVersion(accBytes) + `
resource "mlops_model_endpoint" "test" {
  environment = mlops_environment.test.id
` + arguments + `
}
`
}

const accChampion = `
  name     = "churn"
  variants = {
    champion = { version = mlops_model_version.test.id, traffic = 100 }
  }
`

func modelEndpointNoun(w world) accNoun {
	const address = "mlops_model_endpoint.test"
	silent := accVersion(`
  artifact_uri = "SERVER"
  format       = "custom"
  command      = ["sleep", "3600"]
`)
	return accNoun{
		address: address,
		config:  accEndpoint(accChampion),
		checks: []statecheck.StateCheck{
			has(address, "id", knownvalue.StringExact(w.id("endpoints/churn"))),
			has(address, "url", knownvalue.NotNull()),
			statecheck.ExpectKnownValue(address, tfjsonpath.New("serving").AtMapKey("champion").AtMapKey("traffic"), knownvalue.Int64Exact(100)),
		},
		update: accEndpoint(`
  name        = "churn"
  description = "in two"
  variants = {
    champion = {
      version = mlops_model_version.test.id
      traffic = 90
      compute = { cpu = 1, memory = "1Gi" }
      scaling = { min = 0, max = 4, target = { concurrency = 8 }, idle_after = "5m" }
      env     = {}
      startup_timeout = "90s"
    }
    rival = { version = mlops_model_version.test.id, traffic = 10, scaling = {} }
  }
  rollout         = { strategy = "all_at_once" }
  capture         = {}
  smoke_test      = { request = jsonencode({ instances = [[0.1, 0.2]] }) }
  request_timeout = "5s"
`),
		updated: []statecheck.StateCheck{
			statecheck.ExpectKnownValue(address, tfjsonpath.New("capture").AtMapKey("sample_percent"), knownvalue.Int64Exact(100)),
			statecheck.ExpectKnownValue(address, tfjsonpath.New("smoke_test").AtMapKey("expect_status"), knownvalue.Int64Exact(200)),
			statecheck.ExpectKnownValue(address, tfjsonpath.New("serving").AtMapKey("rival").AtMapKey("traffic"), knownvalue.Int64Exact(10)),
		},
		replace: accEndpoint(`
  name     = "other"
  variants = { champion = { version = mlops_model_version.test.id, traffic = 100 } }
`),
		around: silent,
		stuck: w.endure(silent + `
resource "mlops_model_endpoint" "test" {
  environment = mlops_environment.test.id
` + accChampion + `
  timeouts    = { create = "10s" }
}
`),
		unsupported: accEndpoint("name = \"churn\"\n" + w.beyondEndpoint()),
		refusal:     `Not available on ` + w.backend,
	}
}

func TestAccModelEndpoint_basic(t *testing.T)       { testAccBasic(t, modelEndpointNoun) }
func TestAccModelEndpoint_update(t *testing.T)      { testAccUpdate(t, modelEndpointNoun) }
func TestAccModelEndpoint_disappears(t *testing.T)  { testAccDisappears(t, modelEndpointNoun) }
func TestAccModelEndpoint_timeout(t *testing.T)     { testAccTimeout(t, modelEndpointNoun) }
func TestAccModelEndpoint_unsupported(t *testing.T) { testAccUnsupported(t, modelEndpointNoun) }

// If the platform goes back, apply fails, the state has what serves, and the
// next plan shows the difference again.
func TestAccModelEndpoint_rollback(t *testing.T) {
	const address = "mlops_model_endpoint.test"
	bad := accEndpoint(accChampion + "description = \"worse\"\nsmoke_test = { request = jsonencode({ instances = [[1]] }), expect_status = 418 }\n")
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(accEndpoint(accChampion))},
			{Config: w.on(bad), ExpectError: regexp.MustCompile(`(?s)418.*200`)},
			{Config: w.on(bad), PlanOnly: true, ExpectNonEmptyPlan: true},
			{
				Config: w.on(accEndpoint(accChampion)), ConfigPlanChecks: willDo(address, plancheck.ResourceActionNoop),
				ConfigStateChecks: []statecheck.StateCheck{has(address, "description", knownvalue.Null())},
			},
		}
	})
}

// A change rolls the endpoint in place, and its URL is known at plan.
func TestAccModelEndpoint_stableURL(t *testing.T) {
	const address = "mlops_model_endpoint.test"
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(accEndpoint(accChampion))},
			{
				Config: w.on(accEndpoint(accChampion + `description = "new"`)),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectKnownValue(address, tfjsonpath.New("url"), knownvalue.NotNull()),
					plancheck.ExpectUnknownValue(address, tfjsonpath.New("serving")),
				}},
			},
		}
	})
}

func TestAccDataSources(t *testing.T) {
	all := accEndpoint(accChampion) + accPipeline("") + `
resource "mlops_pipeline_run" "test" {
  pipeline = mlops_pipeline.test.id
}

data "mlops_environment" "test" {
  id = mlops_environment.test.id
}

data "mlops_pipeline" "test" {
  id = mlops_pipeline.test.id
}

data "mlops_pipeline_run" "test" {
  id = mlops_pipeline_run.test.id
}

data "mlops_model_endpoint" "test" {
  id = mlops_model_endpoint.test.id
}
`
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(all), ConfigStateChecks: []statecheck.StateCheck{
				has("data.mlops_environment.test", "stage", knownvalue.StringExact("dev")),
				has("data.mlops_pipeline.test", "next_run", knownvalue.NotNull()),
				has("data.mlops_pipeline_run.test", "steps", knownvalue.MapSizeExact(2)),
				has("data.mlops_model_endpoint.test", "replicas", knownvalue.MapExact(map[string]knownvalue.Check{"champion": knownvalue.Int64Exact(1)})),
			}},
			{
				Config:      w.on(all + "data \"mlops_model\" \"none\" {\n id = \"BACKEND/acc/models/none\"\n}\n"),
				ExpectError: regexp.MustCompile(`code:\s+not\s+found`),
			},
		}
	})
}

// In prod only approved versions serve: another is refused at plan. What counts
// is what the very same plan makes of the version and of the stage, also for an
// endpoint that stays as it is.
func TestAccModelEndpoint_approval(t *testing.T) {
	const address = "mlops_model_endpoint.test"
	in := func(stage, approval, config string) string {
		return strings.NewReplacer(`= "dev"`, `= "`+stage+`"`, `= "custom"`, "= \"custom\"\n  approval = \""+approval+`"`).Replace(config)
	}
	served := accEndpoint(accChampion)
	refused := regexp.MustCompile(`(?s)Version not approved.*serves\s+approved\s+versions\s+only`)
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(in("prod", "pending", accVersion(accBytes)))},
			{Config: w.on(in("prod", "pending", served)), PlanOnly: true, ExpectError: refused},
			{Config: w.on(in("prod", "approved", served)), ConfigPlanChecks: willDo(address, plancheck.ResourceActionCreate)},
			{Config: w.on(in("prod", "rejected", served)), PlanOnly: true, ExpectError: refused},
			{Config: w.on(in("test", "pending", served)), ConfigPlanChecks: willDo(address, plancheck.ResourceActionNoop)},
			{Config: w.on(in("prod", "pending", served)), PlanOnly: true, ExpectError: refused},
			{Config: w.on(in("prod", "approved", served)), ConfigPlanChecks: willDo(address, plancheck.ResourceActionNoop)},
		}
	})
}

// What a rollout may say comes back as it was said.
func TestAccModelEndpoint_delivery(t *testing.T) {
	const address = "mlops_model_endpoint.test"
	with := func(arguments string) string { return accEndpoint(accChampion + arguments) }
	refused := regexp.MustCompile(`Protected against deletion`)
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(with(`
  rollout = {
    strategy      = "canary"
    steps         = [5, 50]
    bake          = "90m"
    keep_previous = "0s"
    gates         = { max_error_percent = 0, max_p50 = "10ms", max_p95 = "1m", max_p99 = "1h0m", wait = "5m" }
  }
  schedule = { up = "0 0 1 1 *", down = "0 0 29 2 *", timezone = "Australia/Sydney" }
  deletion_protection = true
`)), ConfigPlanChecks: willDo(address, plancheck.ResourceActionCreate)},
			{Config: w.on(accVersion(accBytes)), ExpectError: refused},
			{
				Config:           w.on(with("rollout = { strategy = \"linear\", increment = 30, gates = {} }\n")),
				ConfigPlanChecks: willDo(address, plancheck.ResourceActionUpdate),
			},
		}
	})
}
