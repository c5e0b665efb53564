package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

func accModel(arguments string) string {
	return accEnvironment + `
resource "mlops_model" "test" {
  environment = mlops_environment.test.id
` + arguments + `
}
`
}

func modelNoun() accNoun {
	const address = "mlops_model.test"
	return accNoun{
		address: address,
		config:  accModel(`name = "churn"`),
		checks: []statecheck.StateCheck{
			has(address, "id", knownvalue.StringExact("memory/acc/models/churn")),
			has(address, "description", knownvalue.Null()),
		},
		update:      accModel("name = \"churn\"\ndescription = \"Größe 🙂\"\nlabels = { team = \"ml\" }"),
		updated:     []statecheck.StateCheck{has(address, "description", knownvalue.StringExact("Größe 🙂"))},
		replace:     accModel(`name = "other"`),
		stuck:       accModel("name = \"churn\"\nlabels = { memory_stuck = \"yes\" }\ntimeouts = { create = \"1s\" }"),
		unsupported: accModel(`name = "Churn Model"`),
		refusal:     `not a valid name here`,
	}
}

func TestAccModel_basic(t *testing.T)       { modelNoun().testBasic(t) }
func TestAccModel_update(t *testing.T)      { modelNoun().testUpdate(t) }
func TestAccModel_disappears(t *testing.T)  { modelNoun().testDisappears(t) }
func TestAccModel_import(t *testing.T)      { modelNoun().testImport(t) }
func TestAccModel_replace(t *testing.T)     { modelNoun().testReplace(t) }
func TestAccModel_timeout(t *testing.T)     { modelNoun().testTimeout(t) }
func TestAccModel_unsupported(t *testing.T) { modelNoun().testUnsupported(t) }
