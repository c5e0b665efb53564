package provider

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"
)

// TestAccModelEndpoint_machines proves that what a plan tells of machines and their
// cost is what the platform then has.
func TestAccModelEndpoint_machines(t *testing.T) {
	t.Parallel()
	w := sagemakerWorld(t)
	const address = "mlops_model_endpoint.test"
	step := func(compute, machine string, usd float64) resource.TestStep {
		resolved, cost := tfjsonpath.New("resolved").AtMapKey("champion"), tfjsonpath.New("monthly_usd")
		return resource.TestStep{
			Config: w.on(accEndpoint(`
  name     = "churn"
  variants = {
    champion = { version = mlops_model_version.test.id, traffic = 100` + compute + ` }
  }
`)),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectKnownValue(address, resolved, knownvalue.StringExact(machine)),
				plancheck.ExpectKnownValue(address, cost, knownvalue.Float64Exact(usd)),
			}},
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(address, resolved, knownvalue.StringExact(machine)),
				statecheck.ExpectKnownValue(address, cost, knownvalue.Float64Exact(usd)),
			},
		}
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.servers(),
		CheckDestroy:             w.nothingLeft,
		Steps: []resource.TestStep{
			step("", "ml.m5.large", 84.1),
			step(`, compute = { cpu = 4, memory = "8Gi" }`, "ml.c5.xlarge", 148.92),
			step(`, compute = { cpu = 4, memory = "8Gi" }, scaling = { min = 2, max = 3 }`, "ml.c5.xlarge", 297.84),
			step(`, compute = { native = "ml.g5.xlarge" }`, "ml.g5.xlarge", 1027.84),
		},
	})
}

// TestAccModelEndpoint_serverless proves that a variant that may have no replica is
// serverless from its plan on, that it gets machines in place, and that the way back is
// refused before anything is touched.
func TestAccModelEndpoint_serverless(t *testing.T) {
	t.Parallel()
	w := sagemakerWorld(t)
	const address = "mlops_model_endpoint.test"
	config := func(more string) string {
		return w.on(accEndpoint(`
  name     = "churn"
  variants = { champion = { version = mlops_model_version.test.id, traffic = 100, ` + more + ` } }
`))
	}
	step := func(more, resolved string, usd float64, action plancheck.ResourceActionType) resource.TestStep {
		at, cost := tfjsonpath.New("resolved").AtMapKey("champion"), tfjsonpath.New("monthly_usd")
		return resource.TestStep{
			Config: config(more),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(address, action),
				plancheck.ExpectKnownValue(address, at, knownvalue.StringExact(resolved)),
				plancheck.ExpectKnownValue(address, cost, knownvalue.Float64Exact(usd)),
			}},
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(address, at, knownvalue.StringExact(resolved)),
				statecheck.ExpectKnownValue(address, cost, knownvalue.Float64Exact(usd)),
				statecheck.ExpectKnownValue(address, tfjsonpath.New("serving").AtMapKey("champion").AtMapKey("traffic"), knownvalue.Int64Exact(100)),
			},
		}
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.servers(),
		CheckDestroy:             w.nothingLeft,
		Steps: []resource.TestStep{
			{Config: config(`scaling = { min = 0 }, compute = { cpu = 1 }`), ExpectError: regexp.MustCompile(`cores\s+in\s+proportion`)},
			step(`scaling = { min = 0, max = 2 }`, "serverless 2048 MB", 0, plancheck.ResourceActionCreate),
			step(`scaling = { min = 0, max = 2 }, compute = { memory = "3500Mi" }`, "serverless 4096 MB", 0, plancheck.ResourceActionUpdate),
			step(`scaling = { min = 1, max = 2 }`, "ml.m5.large", 84.1, plancheck.ResourceActionUpdate),
			{Config: config(`scaling = { min = 0, max = 2 }`), ExpectError: regexp.MustCompile(`no\s+serverless\s+endpoint\s+of`)},
			step(`scaling = { min = 1, max = 2 }, env = { LEVEL = "2" }`, "ml.m5.large", 84.1, plancheck.ResourceActionUpdate),
		},
	})
}

// TestAccModelEndpoint_shadow proves that a change that begins with a shadow ends with
// what was asked for, in place and by one apply.
func TestAccModelEndpoint_shadow(t *testing.T) {
	t.Parallel()
	w := sagemakerWorld(t)
	const address = "mlops_model_endpoint.test"
	step := func(level string, action plancheck.ResourceActionType) resource.TestStep {
		return resource.TestStep{
			Config: w.on(accEndpoint(`
  name     = "churn"
  variants = { champion = { version = mlops_model_version.test.id, traffic = 100, env = { LEVEL = "` + level + `" } } }
  rollout  = { strategy = "shadow", steps = [50], bake = "2s" }
`)),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}},
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(address, tfjsonpath.New("serving").AtMapKey("champion").AtMapKey("traffic"), knownvalue.Int64Exact(100)),
			},
		}
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.servers(),
		CheckDestroy:             w.nothingLeft,
		Steps:                    []resource.TestStep{step("1", plancheck.ResourceActionCreate), step("2", plancheck.ResourceActionUpdate), step("3", plancheck.ResourceActionUpdate)},
	})
}

// TestAccCompute proves the function in a configuration, where asks are objects with
// numbers in them.
func TestAccCompute(t *testing.T) {
	t.Parallel()
	w := sagemakerWorld(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.servers(),
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_8_0)},
		Steps: []resource.TestStep{{
			Config: w.on(`
variable "cpu" {
  type    = number
  default = null
}
output "machine" { value = provider::mlops::compute("sagemaker", "processing", { cpu = 3.5, memory = "16Gi", accelerator_type = null }) }
output "default" { value = provider::mlops::compute("sagemaker", "hosting", { cpu = var.cpu }).type }
output "nothing" { value = provider::mlops::compute("sagemaker", "training", {}).type }
`),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownOutputValue("machine", knownvalue.ObjectExact(map[string]knownvalue.Check{
					"type": knownvalue.StringExact("ml.m5.xlarge"), "cpu": knownvalue.Int64Exact(4), "memory": knownvalue.StringExact("16Gi"),
					"usd_per_hour": knownvalue.Float64Exact(0.2304), "usd_per_month": knownvalue.Float64Exact(168.19),
				})),
				statecheck.ExpectKnownOutputValue("default", knownvalue.StringExact("ml.m5.large")),
				statecheck.ExpectKnownOutputValue("nothing", knownvalue.StringExact("ml.m5.large")),
			},
		}},
	})
}
