package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// A monitor that explains a model shows that its endpoint serves another, and the next
// apply explains that one.
func TestAccMonitor_followsTheModel(t *testing.T) {
	const address = "mlops_monitor.test"
	explained := strings.Replace(accMonitor(`
  name           = "churn"
  baseline       = { dataset = mlops_dataset.test.id, features = ["age", "country", "spent"] }
  explainability = {}
  overrides      = jsonencode({ explainability = { StoppingCondition = { MaxRuntimeInSeconds = 600 } } })
`), `{ cron = "0 3 1 1 *", timezone = "Australia/Sydney" }`, `{ cron = "0 3 * * *" }`, 1)
	other := strings.Replace(explained, "traffic = 100 }", `traffic = 100, env = { THREADS = "2" } }`, 1)
	acceptWhere(t, mlops.FeatureMonitorOverrides, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(explained), ConfigPlanChecks: willDo(address, plancheck.ResourceActionCreate)},
			{Config: w.on(other), ExpectNonEmptyPlan: true, ConfigPlanChecks: resource.ConfigPlanChecks{
				PreApply:             []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, plancheck.ResourceActionNoop)},
				PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate)},
			}},
			{
				Config: w.on(other), ConfigPlanChecks: willDo(address, plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{has(address, "problem", knownvalue.Null())},
			},
		}
	})
}
