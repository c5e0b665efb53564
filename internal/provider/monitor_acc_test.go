package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
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

// accServed is all that a monitor refers to.
func accServed() string {
	return accEndpoint(accChampion+"capture = {}\n") + accPipeline("") + `
resource "mlops_dataset" "test" {
  environment = mlops_environment.test.id
  name        = "customers"
  uri         = "TABLE"
}
`
}

func accMonitor(arguments string) string {
	return accServed() + `
resource "mlops_monitor" "test" {
  endpoint = mlops_model_endpoint.test.id
  schedule = { cron = "0 3 1 1 *", timezone = "Australia/Sydney" }
` + arguments + `
}
`
}

const accHealth = `
  name   = "churn"
  health = { max_error_percent = 1, max_p95 = "250ms" }
`

// accWatched has every kind of check and every consequence.
const accWatched = `
  name             = "churn"
  description      = "all of it"
  window           = "36h"
  min_rows         = 50
  baseline         = { dataset = mlops_dataset.test.id, label = "spent" }
  data_drift       = { statistic = "psi", threshold = 0.2, features = ["age"], max_drifted_percent = 10 }
  prediction_drift = {}
  data_quality     = { max_missing_percent = 5, max_range_percent = 0 }
  model_quality    = { task = "classification", min = { accuracy = 0.9 }, delay = "1h" }
  bias             = { group = "country", statistic = "disparate_impact", threshold = 0.8 }
  health           = { max_error_percent = 0, min_requests = 10 }
  alerts           = { webhook_url = "https://hooks.example.com/T0/secret", repeat = "12h" }
  on_violation     = { pipeline = mlops_pipeline.test.id, cooldown = "24h", max_per_month = 0, checks = ["data_drift"] }
`

// accWatchedByAWS is as much of that as SageMaker has.
const accWatchedByAWS = `
  name             = "churn"
  description      = "all of it"
  window           = "12h"
  baseline         = { dataset = mlops_dataset.test.id, features = ["age", "country", "spent"] }
  data_drift       = { statistic = "ks", threshold = 0.2, features = ["age"] }
  prediction_drift = {}
  data_quality     = { max_missing_percent = 5 }
  model_quality    = {
    task             = "classification"
    ground_truth_uri = "s3://${mlops_environment.test.native.bucket}/ground-truth"
    min              = { accuracy = 0.9 }
    delay            = "1h"
  }
  bias             = { group = "country", statistic = "disparate_impact", threshold = 0.8 }
  explainability   = { samples = 100 }
  overrides        = jsonencode({ bias = { JobResources = { ClusterConfig = { InstanceType = "ml.m5.4xlarge" } } } })
  health           = { max_error_percent = 0, min_requests = 10 }
  alerts           = { emails = ["ml@example.com"] }
  on_violation     = { pipeline = mlops_pipeline.test.id, checks = ["data_drift", "data_quality", "bias"] }
`

func monitorNoun(w world) accNoun {
	n := monitorNounOf(w)
	if !w.factories[0].Capabilities.Supports(mlops.FeatureMonitorWebhook) {
		n.update = strings.Replace(accMonitor(accWatchedByAWS), `{ cron = "0 3 1 1 *", timezone = "Australia/Sydney" }`, `{ cron = "0 3 * * *" }`, 1)
		n.updated = []statecheck.StateCheck{
			statecheck.ExpectKnownValue(n.address, tfjsonpath.New("data_drift").AtMapKey("threshold"), knownvalue.Float64Exact(0.2)),
			statecheck.ExpectKnownValue(n.address, tfjsonpath.New("native").AtMapKey("schedule_arn"), knownvalue.NotNull()),
			statecheck.ExpectKnownValue(n.address, tfjsonpath.New("native").AtMapKey("predictions_schedule_arn"), knownvalue.NotNull()),
			statecheck.ExpectKnownValue(n.address, tfjsonpath.New("native").AtMapKey("quality_schedule_arn"), knownvalue.NotNull()),
			statecheck.ExpectKnownValue(n.address, tfjsonpath.New("native").AtMapKey("bias_schedule_arn"), knownvalue.NotNull()),
			statecheck.ExpectKnownValue(n.address, tfjsonpath.New("native").AtMapKey("explainability_schedule_arn"), knownvalue.NotNull()),
			has(n.address, "problem", knownvalue.Null()),
		}
	}
	return n
}

func monitorNounOf(w world) accNoun {
	const address = "mlops_monitor.test"
	return accNoun{
		address: address,
		config:  accMonitor(accHealth),
		checks: []statecheck.StateCheck{
			has(address, "id", knownvalue.StringExact(w.id("monitors/churn"))),
			has(address, "alerts", knownvalue.Null()),
			has(address, "webhook_mark", knownvalue.Null()),
		},
		update: accMonitor(accWatched),
		updated: []statecheck.StateCheck{
			statecheck.ExpectKnownValue(address, tfjsonpath.New("alerts").AtMapKey("webhook_url"), knownvalue.Null()),
			has(address, "webhook_mark", knownvalue.StringRegexp(regexp.MustCompile("^[0-9a-f]{16}$"))),
			statecheck.ExpectKnownValue(address, tfjsonpath.New("on_violation").AtMapKey("max_per_month"), knownvalue.Int64Exact(0)),
		},
		replace: accMonitor("name = \"other\"\nhealth = { max_error_percent = 1 }\n"),
		around:  accServed(),
		stuck:   w.freeze(accMonitor(accHealth + "timeouts = { create = \"1s\" }")),
		unsupported: accMonitor(`
  name   = "Churn Watch"
  health = { max_error_percent = 1 }
`),
		refusal: `not a valid name here`,
	}
}

// atFirst is the state of a monitor that has seen nothing yet. In the tests' cluster
// nobody has figures of endpoints, and who asks for them is told so.
func atFirst(w world) string {
	if w.backend == "kubernetes" {
		return "broken"
	}
	return "waiting"
}

func TestAccMonitor_basic(t *testing.T)       { testAccBasic(t, monitorNoun) }
func TestAccMonitor_update(t *testing.T)      { testAccUpdate(t, monitorNoun) }
func TestAccMonitor_disappears(t *testing.T)  { testAccDisappears(t, monitorNoun) }
func TestAccMonitor_timeout(t *testing.T)     { testAccTimeout(t, monitorNoun) }
func TestAccMonitor_unsupported(t *testing.T) { testAccUnsupported(t, monitorNoun) }

// Another webhook is a change although no state has its URL, and the same one is
// none. The data source tells what the monitor found.
func TestAccMonitor_webhook(t *testing.T) {
	const address, secret = "mlops_monitor.test", "T0/secret"
	to := func(url string) string {
		return accMonitor(accHealth+"alerts = { webhook_url = \""+url+"\" }\n") + `
data "mlops_monitor" "test" { id = mlops_monitor.test.id }
`
	}
	const one, two = "https://hooks.example.com/" + secret, "https://hooks.example.com/" + secret + "?two"
	hidden := func(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
		checks := willDo(address, action)
		checks.PreApply = append(checks.PreApply, hides(secret))
		return checks
	}
	acceptWhere(t, []mlops.Feature{mlops.FeatureMonitorWebhook}, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(to(one)), ConfigPlanChecks: hidden(plancheck.ResourceActionCreate), ConfigStateChecks: []statecheck.StateCheck{
				hides(secret),
				statecheck.ExpectKnownValue("data.mlops_monitor.test", tfjsonpath.New("status").AtMapKey("state"), knownvalue.StringExact(atFirst(w))),
			}},
			{Config: w.on(to(one)), ConfigPlanChecks: hidden(plancheck.ResourceActionNoop)},
			{
				Config: w.on(to(two)), ConfigPlanChecks: hidden(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{hides(secret), has(address, "webhook_mark", knownvalue.NotNull())},
			},
			{Config: w.on(accMonitor(accHealth)), ConfigPlanChecks: willDo(address, plancheck.ResourceActionUpdate)},
		}
	})
}

// An imported monitor keeps the webhook that it has while its configuration,
// which a generated one cannot, does not say it. What an apply said is gone
// when it is not said any more.
func TestAccMonitor_importedWebhook(t *testing.T) {
	const address = "mlops_monitor.test"
	marked := func(is knownvalue.Check) []statecheck.StateCheck {
		return []statecheck.StateCheck{has(address, "webhook_mark", is)}
	}
	with := func(arguments string) string { return accMonitor(accHealth + arguments) }
	const said, silent = "alerts = { webhook_url = \"https://hooks.example.com/one\" }\n", "alerts = {}\n"
	forget := "removed {\n from = mlops_monitor.test\n lifecycle { destroy = false }\n}\n"
	acceptWhere(t, []mlops.Feature{mlops.FeatureMonitorWebhook}, func(w world) []resource.TestStep {
		bring := "import {\n to = mlops_monitor.test\n id = \"" + w.id("monitors/churn") + "\"\n}\n"
		return []resource.TestStep{
			{Config: w.on(with(said))},
			{Config: w.on(accServed() + forget)},
			{Config: w.on(with(silent) + bring), ConfigPlanChecks: willDo(address, plancheck.ResourceActionNoop), ConfigStateChecks: marked(knownvalue.NotNull())},
			{
				Config: w.on(with(silent + "description = \"kept\"\n")), ConfigPlanChecks: willDo(address, plancheck.ResourceActionUpdate),
				ConfigStateChecks: marked(knownvalue.NotNull()),
			},
			{
				Config: w.on(with(strings.Replace(said, "one", "two", 1))), ConfigPlanChecks: willDo(address, plancheck.ResourceActionUpdate),
				ConfigStateChecks: marked(knownvalue.NotNull()),
			},
			{Config: w.on(with(silent)), ConfigPlanChecks: willDo(address, plancheck.ResourceActionUpdate), ConfigStateChecks: marked(knownvalue.Null())},
		}
	})
}

// hides expects a secret in neither the planned values nor the state.
type hides string

// CheckPlan leaves the configuration out, which is the user's own text.
func (h hides) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	resp.Error = h.in("plan", []any{req.Plan.PlannedValues, req.Plan.ResourceChanges, req.Plan.PriorState})
}

// CheckState looks at all of the state.
func (h hides) CheckState(_ context.Context, req statecheck.CheckStateRequest, resp *statecheck.CheckStateResponse) {
	resp.Error = h.in("state", req.State)
}

func (h hides) in(what string, v any) error {
	b, err := json.Marshal(v)
	if err == nil && bytes.Contains(b, []byte(h)) {
		err = fmt.Errorf("the %s has %q", what, string(h))
	}
	return err
}
