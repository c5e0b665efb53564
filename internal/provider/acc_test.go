package provider

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/memory"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// world is one backend, empty and isolated, that an acceptance test applies to.
type world struct {
	backend   string
	factories []mlops.Factory
	remove    func(mlops.ID)    // takes an object away behind the provider's back
	ids       func() []mlops.ID // all that exists
}

// testAccBackends lists the backends that every acceptance test runs on.
func testAccBackends() []func(*testing.T) world {
	return []func(*testing.T) world{memoryWorld}
}

func memoryWorld(*testing.T) world {
	p := memory.NewPlatform(memory.Config{Looks: 1})
	return world{backend: "memory", factories: []mlops.Factory{p.Factory()}, remove: p.Remove, ids: p.IDs}
}

// servers gives the provider to Terraform, in this process.
func (w world) servers() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		typeName: func() (tfprotov6.ProviderServer, error) { return NewServer("test", w.factories), nil },
	}
}

// accept runs steps on every backend, and checks that destroying leaves
// nothing.
func accept(t *testing.T, steps func(w world) []resource.TestStep) {
	t.Helper()
	t.Parallel()
	for _, open := range testAccBackends() {
		w := open(t)
		t.Run(w.backend, func(t *testing.T) {
			t.Parallel()
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: w.servers(),
				Steps:                    steps(w),
				CheckDestroy:             w.nothingLeft,
			})
		})
	}
}

func (w world) nothingLeft(*terraform.State) error {
	if left := w.ids(); len(left) > 0 {
		return fmt.Errorf("destroy left %v", left)
	}
	return nil
}

// accNoun is one resource for the acceptance tests that all resources share.
// Configurations are for the backend "memory", which is replaced.
type accNoun struct {
	address     string // of the resource under test
	config      string
	checks      []statecheck.StateCheck
	update      string // changed in place
	updated     []statecheck.StateCheck
	replace     string // config with a change that needs another object
	stuck       string // config whose creation never ends
	unsupported string // config that the backend refuses
	refusal     string // words of the refusal
}

func (w world) on(config string) string {
	return strings.ReplaceAll(config, "memory = {", w.backend+" = {")
}

func (n accNoun) testBasic(t *testing.T) {
	t.Helper()
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(n.config), ConfigStateChecks: n.checks, ConfigPlanChecks: willDo(n.address, plancheck.ResourceActionCreate)},
			{Config: w.on(n.config), ConfigPlanChecks: willDo(n.address, plancheck.ResourceActionNoop)},
		}
	})
}

func (n accNoun) testUpdate(t *testing.T) {
	t.Helper()
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(n.config)},
			{Config: w.on(n.update), ConfigStateChecks: n.updated, ConfigPlanChecks: willDo(n.address, plancheck.ResourceActionUpdate)},
			{Config: w.on(n.config), ConfigStateChecks: n.checks, ConfigPlanChecks: willDo(n.address, plancheck.ResourceActionUpdate)},
		}
	})
}

func (n accNoun) testDisappears(t *testing.T) {
	t.Helper()
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{
				Config:             w.on(n.config),
				Check:              func(s *terraform.State) error { w.remove(mlops.ID(stateID(s, n.address))); return nil },
				ExpectNonEmptyPlan: true,
			},
			{Config: w.on(n.config), ConfigPlanChecks: willDo(n.address, plancheck.ResourceActionCreate)},
		}
	})
}

func (n accNoun) testImport(t *testing.T) {
	t.Helper()
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(n.config)},
			{ResourceName: n.address, ImportState: true, ImportStateVerify: true},
			{ResourceName: n.address, ImportState: true, ImportStateId: "nonsense", ExpectError: regexp.MustCompile(`Not the ID of`)},
			{ResourceName: n.address, ImportState: true, ImportStateKind: resource.ImportBlockWithID},
		}
	})
}

func (n accNoun) testReplace(t *testing.T) {
	t.Helper()
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(n.config)},
			{Config: w.on(n.replace), ConfigPlanChecks: willDo(n.address, plancheck.ResourceActionReplace)},
		}
	})
}

// testTimeout also proves that what a timeout left behind is repaired by the
// next apply.
func (n accNoun) testTimeout(t *testing.T) {
	t.Helper()
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(n.stuck), ExpectError: regexp.MustCompile(`(?s)code:\s+timeout.*raise\s+the\s+timeouts`)},
			{Config: w.on(n.config), ConfigPlanChecks: willDo(n.address, plancheck.ResourceActionReplace)},
		}
	})
}

func (n accNoun) testUnsupported(t *testing.T) {
	t.Helper()
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(n.unsupported), PlanOnly: true, ExpectError: regexp.MustCompile(n.refusal)},
		}
	})
}

// willDo expects an action on a resource, and an empty plan after it.
func willDo(address string, action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{
		PreApply:             []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)},
		PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
	}
}

func stateID(s *terraform.State, address string) string {
	if r, ok := s.RootModule().Resources[address]; ok && r.Primary != nil {
		return r.Primary.ID
	}
	return ""
}
