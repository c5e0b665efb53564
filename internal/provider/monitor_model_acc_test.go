package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// A rollout of an endpoint alone ends with its monitor explaining the model that is
// served: the next plan is empty, and the monitor's job another one.
func TestAccMonitor_followsTheModel(t *testing.T) {
	const address = "mlops_monitor.test"
	explained := strings.Replace(accMonitor(`
  name           = "churn"
  baseline       = { dataset = mlops_dataset.test.id, features = ["age", "country", "spent"] }
  explainability = {}
  overrides      = jsonencode({ explainability = { StoppingCondition = { MaxRuntimeInSeconds = 600 } } })
`), `{ cron = "0 3 1 1 *", timezone = "Australia/Sydney" }`, `{ cron = "0 3 * * *" }`, 1)
	other := strings.Replace(explained, "traffic = 100 }", `traffic = 100, env = { THREADS = "2" } }`, 1)
	acceptWhere(t, []mlops.Feature{mlops.FeatureMonitorExplainability, mlops.FeatureMonitorOverrides}, func(w world) []resource.TestStep {
		job := statecheck.CompareValue(compare.ValuesDiffer())
		described := func() statecheck.StateCheck {
			return job.AddStateValue(address, tfjsonpath.New("native").AtMapKey("explainability_baseline_job_arn"))
		}
		return []resource.TestStep{
			{
				Config: w.on(explained), ConfigPlanChecks: willDo(address, plancheck.ResourceActionCreate),
				ConfigStateChecks: []statecheck.StateCheck{described()},
			},
			{Config: w.on(other), ConfigPlanChecks: resource.ConfigPlanChecks{
				PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction("mlops_model_endpoint.test", plancheck.ResourceActionUpdate),
					plancheck.ExpectResourceAction(address, plancheck.ResourceActionNoop),
				},
				PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
			}},
			{
				Config: w.on(other), ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
				ConfigStateChecks: []statecheck.StateCheck{has(address, "problem", knownvalue.Null()), described()},
			},
		}
	})
}
