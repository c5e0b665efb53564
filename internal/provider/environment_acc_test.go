package provider

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const accEnvironment = `
resource "mlops_environment" "test" {
  name    = "acc"
  stage   = "dev"
  BACKEND = {}
}
`

// accNeighbour is an environment beside the one under test.
const accNeighbour = `
resource "mlops_environment" "neighbour" {
  name    = "neighbour"
  stage   = "dev"
  BACKEND = {}
}
`

func has(address, attribute string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), value)
}

func environmentNoun(w world) accNoun {
	const address = "mlops_environment.test"
	return accNoun{
		address: address,
		config:  accEnvironment,
		checks: []statecheck.StateCheck{
			has(address, "id", knownvalue.StringExact(w.id(""))),
			has(address, "labels", knownvalue.Null()),
			has(address, "deletion_protection", knownvalue.Bool(false)),
			has(address, "created_at", knownvalue.NotNull()),
		},
		update: `
resource "mlops_environment" "test" {
  name      = "acc"
  stage     = "test"
  labels    = {}
  retention = { runs = "90s", captures = "1h" }
  BACKEND   = ` + w.changed + `
}`,
		updated: []statecheck.StateCheck{
			has(address, "stage", knownvalue.StringExact("test")),
			has(address, "labels", knownvalue.MapSizeExact(0)),
			has(address, "retention", retained(w)),
		},
		replace: `
resource "mlops_environment" "test" {
  name    = "other"
  stage   = "dev"
  BACKEND = {}
}`,
		around: accNeighbour,
		stuck: w.freeze(accNeighbour + `
resource "mlops_environment" "test" {
  name     = "acc"
  stage    = "dev"
  BACKEND  = {}
  timeouts = { create = "1s" }
}`),
		unsupported: `
resource "mlops_environment" "test" {
  name    = "Not A Name 🙂"
  stage   = "dev"
  BACKEND = {}
}`,
		refusal: `not a valid name here`,
	}
}

// retained is for how long an environment keeps what it has, where the backend can say.
func retained(w world) knownvalue.Check {
	if !w.factories[0].Capabilities.Supports(mlops.FeatureEnvironmentRetention) {
		return knownvalue.Null()
	}
	return knownvalue.ObjectExact(map[string]knownvalue.Check{
		"runs": knownvalue.StringExact("90s"), "captures": knownvalue.StringExact("1h"),
	})
}

func TestAccEnvironment_basic(t *testing.T)       { testAccBasic(t, environmentNoun) }
func TestAccEnvironment_update(t *testing.T)      { testAccUpdate(t, environmentNoun) }
func TestAccEnvironment_disappears(t *testing.T)  { testAccDisappears(t, environmentNoun) }
func TestAccEnvironment_timeout(t *testing.T)     { testAccTimeout(t, environmentNoun) }
func TestAccEnvironment_unsupported(t *testing.T) { testAccUnsupported(t, environmentNoun) }

// A target's own setting may be declared to replace the environment.
func TestAccEnvironment_replaceByTarget(t *testing.T) {
	testAccReplace(t, func(w world) accNoun {
		n := environmentNoun(w)
		n.replace = `
resource "mlops_environment" "test" {
  name    = "acc"
  stage   = "dev"
  BACKEND = ` + w.elsewhere + `
}`
		return n
	})
}

func TestAccEnvironment_protected(t *testing.T) {
	const protected = `
resource "mlops_environment" "test" {
  name                = "acc"
  stage               = "prod"
  BACKEND             = {}
  deletion_protection = true
}`
	refused := regexp.MustCompile(`Protected against deletion`)
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(protected)},
			{Config: w.on(protected), Destroy: true, ExpectError: refused},
			{Config: w.on(environmentNoun(w).replace), ExpectError: refused},
			{Config: w.on(accEnvironment)},
		}
	})
}

// A second resource with the ID of another would take its object over.
func TestAccEnvironment_claimed(t *testing.T) {
	again := func(name string) string {
		return `
resource "mlops_environment" "` + name + `" {
  name    = "acc"
  stage   = "dev"
  BACKEND = {}
}
`
	}
	claimed := regexp.MustCompile(`Already managed by this configuration`)
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(accEnvironment + again("twin")), ExpectError: claimed},
			{Config: w.on(accEnvironment)},
			{Config: w.on(accEnvironment + again("twin")), ExpectError: claimed},
			{Config: w.on(again("renamed")), ExpectError: claimed},
			{
				Config:           w.on(again("renamed") + "moved {\n  from = mlops_environment.test\n  to = mlops_environment.renamed\n}\n"),
				ConfigPlanChecks: willDo("mlops_environment.renamed", plancheck.ResourceActionNoop),
			},
			{Config: w.on(again("renamed")), Taint: []string{"mlops_environment.renamed"}},
		}
	})
}
