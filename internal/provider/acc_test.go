package provider

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// world is one backend, empty and isolated, that an acceptance test applies to.
type world struct {
	backend   string
	factories []mlops.Factory
	provider  string                     // provider block, "" for none
	folder    string                     // for files of the test
	scope     string                     // segments of IDs before the environment's name; ends in a slash
	suffix    string                     // of the names of environments, where the platform has others
	beyond    map[mlops.Noun]string      // what the backend has no feature for, by noun: attributes of a step or of an endpoint
	rewrite   func(config string) string // gives a configuration what only this backend asks for; nil for none
	changed   string                     // target of an environment that is changed in place
	elsewhere string                     // target that needs another environment

	remove func(mlops.ID) error     // takes an object away behind the provider's back
	left   func() ([]string, error) // names all that exists
	spoil  func(uri string) error   // adds to the bytes that are kept at a URI; nil where nobody can
	freeze func(config string) stuck
	endure func(config string) stuck
}

// withoutAccelerators is beyond a platform that has none.
func withoutAccelerators() map[mlops.Noun]string {
	return map[mlops.Noun]string{
		mlops.NounPipeline:      `compute = { accelerator = { type = "nvidia-l4" } }`,
		mlops.NounModelEndpoint: `variants = { champion = { version = mlops_model_version.test.id, traffic = 100, compute = { accelerator = { memory = "24Gi" } } } }`,
	}
}

// beyondEndpoint is what an endpoint may not ask for, with variants.
func (w world) beyondEndpoint() string {
	more := w.beyond[mlops.NounModelEndpoint]
	if strings.Contains(more, "variants") {
		return more
	}
	return more + "\nvariants = { champion = { version = mlops_model_version.test.id, traffic = 100 } }"
}

// stuck is a creation that never ends. A world's freeze makes one because the
// platform stands still, its endure one because what the configuration asks for
// takes for ever.
type stuck struct {
	config string
	begin  func() error                 // called between plan and apply; nil where there is nothing to do
	end    func()                       // called before the next step; nil likewise
	repair plancheck.ResourceActionType // what the next plan does about it
}

// accBackend is a backend that every acceptance test runs on.
type accBackend struct {
	name string
	open func(*testing.T) world
}

func accBackends() []accBackend {
	return []accBackend{{"memory", memoryWorld}, {"local", localWorld}, {"sagemaker", sagemakerWorld}, {"kubernetes", kubernetesWorld}}
}

// accProviderVersion is the provider's version in these tests: what the engine's
// binary has, or each use of it would replace the engine.
const accProviderVersion = "dev"

// servers gives the provider to Terraform, in this process.
func (w world) servers() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		typeName: func() (tfprotov6.ProviderServer, error) { return NewServer(accProviderVersion, w.factories), nil },
	}
}

// on completes a configuration for the world. In it, BACKEND stands for the
// backend's name, SERVER for the path of a model server, and FOLDER for the
// world's.
func (w world) on(config string) string {
	server, err := filepath.Abs(filepath.Join("testdata", "server.py"))
	if err != nil {
		panic(err) // there is no working directory
	}
	if w.rewrite != nil {
		config = w.rewrite(config)
	}
	return w.provider + strings.NewReplacer("BACKEND/", w.backend+"/"+w.scope, "BACKEND", w.backend, "SERVER", server, "TABLE", filepath.Join(filepath.Dir(server), "customers.csv"), "FOLDER", w.folder).Replace(config)
}

// id is the ID of something in the environment "acc"; "" is its own.
func (w world) id(below string) string {
	return w.idIn("acc", below)
}

// idIn is the ID of something in another environment.
func (w world) idIn(environment, below string) string {
	return strings.TrimSuffix(w.backend+"/"+w.scope+environment+w.suffix+"/"+below, "/")
}

func (w world) nothingLeft(*terraform.State) error {
	left, err := w.left()
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("destroy left %v", left)
	}
	return err
}

// accept runs steps on every backend, and checks that destroying leaves
// nothing.
func accept(t *testing.T, steps func(w world) []resource.TestStep) {
	t.Helper()
	t.Parallel()
	if os.Getenv(resource.EnvTfAcc) == "" {
		t.Skip("acceptance test; run it with make testacc")
	}
	for _, b := range accBackends() {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			b.test(t, steps)
		})
	}
}

// acceptIn runs steps on one backend alone.
func acceptIn(t *testing.T, backend string, steps func(w world) []resource.TestStep) {
	t.Helper()
	t.Parallel()
	if os.Getenv(resource.EnvTfAcc) == "" {
		t.Skip("acceptance test; run it with make testacc")
	}
	for _, b := range accBackends() {
		if b.name == backend {
			b.test(t, steps)
			return
		}
	}
	t.Fatalf("there is no backend %q", backend)
}

func (b accBackend) test(t *testing.T, steps func(w world) []resource.TestStep) {
	t.Helper()
	w := b.open(t)
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.servers(), Steps: steps(w), CheckDestroy: w.nothingLeft})
}

// acceptWhere runs steps on every backend that has all features. On one that has not,
// the first step is refused at plan.
func acceptWhere(t *testing.T, features []mlops.Feature, steps func(w world) []resource.TestStep) {
	t.Helper()
	accept(t, func(w world) []resource.TestStep {
		all := steps(w)
		if !slices.ContainsFunc(features, func(f mlops.Feature) bool { return !w.factories[0].Capabilities.Supports(f) }) {
			return all
		}
		return []resource.TestStep{{Config: all[0].Config, PlanOnly: true, ExpectError: regexp.MustCompile(`Not available on ` + w.backend)}}
	})
}

// accNoun is one resource for the acceptance tests that all resources share.
type accNoun struct {
	address     string // of the resource under test
	config      string
	checks      []statecheck.StateCheck
	update      string // changed in place
	updated     []statecheck.StateCheck
	replace     string // config with a change that needs another object
	around      string // config without the resource, and with something in it
	stuck       stuck  // the resource, never ready
	unsupported string // config that the backend refuses
	refusal     string // words of the refusal
}

// testAccBasic makes the resource, finds it as it was made, imports it by its ID, and by
// no other, and lets it go.
func testAccBasic(t *testing.T, noun func(world) accNoun) {
	t.Helper()
	accept(t, func(w world) []resource.TestStep {
		n := noun(w)
		return []resource.TestStep{
			{Config: w.on(n.config), ConfigStateChecks: n.checks, ConfigPlanChecks: willDo(n.address, plancheck.ResourceActionCreate)},
			{ResourceName: n.address, ImportState: true, ImportStateVerify: true},
			{ResourceName: n.address, ImportState: true, ImportStateId: "nonsense", ExpectError: regexp.MustCompile(`Not the ID of`)},
			{ResourceName: n.address, ImportState: true, ImportStateKind: resource.ImportBlockWithID},
		}
	})
}

// testAccUpdate changes the resource in place, there and back, and then in a way that
// needs another one.
func testAccUpdate(t *testing.T, noun func(world) accNoun) {
	t.Helper()
	accept(t, func(w world) []resource.TestStep {
		n := noun(w)
		return []resource.TestStep{
			{Config: w.on(n.config)},
			{Config: w.on(n.update), ConfigStateChecks: n.updated, ConfigPlanChecks: willDo(n.address, plancheck.ResourceActionUpdate)},
			{Config: w.on(n.config), ConfigStateChecks: n.checks, ConfigPlanChecks: willDo(n.address, plancheck.ResourceActionUpdate)},
			{Config: w.on(n.replace), ConfigPlanChecks: willDo(n.address, plancheck.ResourceActionReplace)},
		}
	})
}

func testAccDisappears(t *testing.T, noun func(world) accNoun) {
	t.Helper()
	accept(t, func(w world) []resource.TestStep {
		n := noun(w)
		return []resource.TestStep{
			{
				Config:             w.on(n.config),
				Check:              func(s *terraform.State) error { return w.remove(mlops.ID(stateID(s, n.address))) },
				ExpectNonEmptyPlan: true,
			},
			{Config: w.on(n.config), ConfigPlanChecks: willDo(n.address, plancheck.ResourceActionCreate)},
		}
	})
}

func testAccReplace(t *testing.T, noun func(world) accNoun) {
	t.Helper()
	accept(t, func(w world) []resource.TestStep {
		n := noun(w)
		return []resource.TestStep{
			{Config: w.on(n.config)},
			{Config: w.on(n.replace), ConfigPlanChecks: willDo(n.address, plancheck.ResourceActionReplace)},
		}
	})
}

// testAccTimeout also proves that what a timeout left behind is repaired by the
// next apply.
func testAccTimeout(t *testing.T, noun func(world) accNoun) {
	t.Helper()
	accept(t, func(w world) []resource.TestStep {
		n := noun(w)
		return []resource.TestStep{
			{Config: w.on(n.around)},
			{
				Config:           w.on(n.stuck.config),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{before(n.stuck.begin)}},
				ExpectError:      regexp.MustCompile(`(?s)code:\s+timeout.*raise\s+the\s+timeouts`),
			},
			{PreConfig: n.stuck.end, Config: w.on(n.config), ConfigPlanChecks: willDo(n.address, n.stuck.repair)},
		}
	})
}

func testAccUnsupported(t *testing.T, noun func(world) accNoun) {
	t.Helper()
	accept(t, func(w world) []resource.TestStep {
		n := noun(w)
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

// before does something between a plan and its apply.
type before func() error

// CheckPlan does it, whatever the plan.
func (b before) CheckPlan(_ context.Context, _ plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	if b != nil {
		resp.Error = b()
	}
}

func stateID(s *terraform.State, address string) string {
	if r, ok := s.RootModule().Resources[address]; ok && r.Primary != nil {
		return r.Primary.ID
	}
	return ""
}
