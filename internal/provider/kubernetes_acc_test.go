package provider

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// accKubernetes is an environment in a cluster, with more settings.
func accKubernetes(more string) string {
	return fmt.Sprintf(`
resource "mlops_environment" "test" {
  name  = "acc"
  stage = "dev"
  kubernetes = {
    storage_uri = "s3://models"
    %s
  }
}
`, more)
}

// TestAccEnvironment_kubernetes takes an environment in a cluster through terraform,
// on a real API server: credentials that no state and no plan shows are changed in
// place, what somebody else changes is shown and repaired, and what a cluster refuses
// is refused at plan.
func TestAccEnvironment_kubernetes(t *testing.T) {
	t.Parallel()
	if os.Getenv(resource.EnvTfAcc) == "" {
		t.Skip("acceptance test; run it with make testacc")
	}
	var control kubetest.Cluster
	t.Cleanup(func() {
		if err := control.Close(); err != nil {
			t.Error(err)
		}
	})
	control.Start(t, kubetest.Controllers)
	access := control.Access()
	w := world{
		backend: "kubernetes", factories: []mlops.Factory{kubernetes.Factory()}, scope: "test/",
		provider: fmt.Sprintf("provider \"mlops\" {\n  kubernetes = {\n    host = %q\n    token = %q\n    cluster = \"test\"\n    cluster_ca_certificate = <<-CA\n%s\n    CA\n  }\n}\n", access.Host, access.Token, access.CA),
	}
	const address, secret = "mlops_environment.test", "hunter2"
	keys := func(key string) string {
		return `storage_credentials = { access_key_id = "id", secret_access_key = "` + key + `" }`
	}
	hidden := func(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
		checks := willDo(address, action)
		checks.PreApply = append(checks.PreApply, hides(secret))
		return checks
	}
	policy := kubetest.Ref{Resource: "networkpolicies.networking.k8s.io", Namespace: "acc", Name: "mlops-default-deny"}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.servers(),
		CheckDestroy: func(*terraform.State) error {
			if control.Exists(t, kubetest.Ref{Resource: "namespaces", Name: "acc"}) {
				return errors.New("destroy left the namespace")
			}
			return nil
		},
		Steps: []resource.TestStep{
			{Config: w.on(accKubernetes(keys(secret))), ConfigPlanChecks: hidden(plancheck.ResourceActionCreate), ConfigStateChecks: []statecheck.StateCheck{
				hides(secret), has(address, "id", knownvalue.StringExact("kubernetes/test/acc")), has(address, "secrets_mark", knownvalue.NotNull()),
			}},
			{Config: w.on(accKubernetes(keys(secret))), ConfigPlanChecks: hidden(plancheck.ResourceActionNoop)},
			{Config: w.on(accKubernetes(keys(secret + "-2"))), ConfigPlanChecks: hidden(plancheck.ResourceActionUpdate)},
			{
				PreConfig: func() { control.Delete(t, policy) },
				Config:    w.on(accKubernetes(keys(secret + "-2"))), ConfigPlanChecks: hidden(plancheck.ResourceActionUpdate),
			},
			{
				Config:      w.on(accKubernetes(keys(secret+"-2") + "\n    quota = { cpu = \"many\" }")),
				ExpectError: regexp.MustCompile("Not a quantity"),
			},
			{Config: w.on(accKubernetes(keys(secret + "-2"))), ResourceName: address, ImportState: true, ImportStateVerify: true, ImportStateId: "kubernetes/test/acc"},
			{Config: w.on(accKubernetes(strings.Join([]string{keys(secret + "-2"), `quota = { cpu = "8", accelerators = "2" }`, `pod_security = "restricted"`}, "\n    "))), ConfigPlanChecks: hidden(plancheck.ResourceActionUpdate)},
		},
	})
}
