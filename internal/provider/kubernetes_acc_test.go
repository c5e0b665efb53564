package provider

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
)

// TestAccEnvironment_kubernetes takes an environment in a cluster through terraform:
// credentials that no state and no plan shows are changed in place, what somebody else
// changes is shown and repaired, and what a cluster refuses is refused at plan.
func TestAccEnvironment_kubernetes(t *testing.T) {
	const address, secret = "mlops_environment.test", "hunter2"
	acceptIn(t, "kubernetes", func(w world) []resource.TestStep {
		with := func(key, more string) string {
			return w.on(strings.Replace(accEnvironment, "{}", fmt.Sprintf(`{ storage_credentials = { access_key_id = "id", secret_access_key = %q }
%s }`, key, more), 1))
		}
		hidden := func(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
			checks := willDo(address, action)
			checks.PreApply = append(checks.PreApply, hides(secret))
			return checks
		}
		policy := kubetest.Ref{Resource: "networkpolicies.networking.k8s.io", Namespace: "acc" + w.suffix, Name: "mlops-default-deny"}
		return []resource.TestStep{
			{Config: with(secret, ""), ConfigPlanChecks: hidden(plancheck.ResourceActionCreate), ConfigStateChecks: []statecheck.StateCheck{
				hides(secret), has(address, "id", knownvalue.StringExact(w.id(""))), has(address, "secrets_mark", knownvalue.NotNull()),
			}},
			{Config: with(secret, ""), ConfigPlanChecks: hidden(plancheck.ResourceActionNoop)},
			{Config: with(secret+"-2", ""), ConfigPlanChecks: hidden(plancheck.ResourceActionUpdate)},
			{
				PreConfig: func() { accCluster.Delete(t, policy) },
				Config:    with(secret+"-2", ""), ConfigPlanChecks: hidden(plancheck.ResourceActionUpdate),
			},
			{Config: with(secret+"-2", `quota = { cpu = "many" }`), ExpectError: regexp.MustCompile("Not a quantity")},
			{Config: with(secret+"-2", ""), ResourceName: address, ImportState: true, ImportStateVerify: true, ImportStateId: w.id("")},
			{Config: with(secret+"-2", `quota = { cpu = "8", accelerators = "2" }
pod_security = "restricted"`), ConfigPlanChecks: hidden(plancheck.ResourceActionUpdate)},
		}
	})
}
