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

func modelNoun(w world) accNoun {
	const address = "mlops_model.test"
	return accNoun{
		address: address,
		config:  accModel(`name = "churn"`),
		checks: []statecheck.StateCheck{
			has(address, "id", knownvalue.StringExact(w.id("models/churn"))),
			has(address, "description", knownvalue.Null()),
		},
		update:      accModel("name = \"churn\"\ndescription = \"Größe 🙂\"\nlabels = { team = \"ml\" }"),
		updated:     []statecheck.StateCheck{has(address, "description", knownvalue.StringExact("Größe 🙂"))},
		replace:     accModel(`name = "other"`),
		around:      accEnvironment,
		stuck:       w.freeze(accModel("name = \"churn\"\ntimeouts = { create = \"1s\" }")),
		unsupported: accModel(`name = "Churn Model"`),
		refusal:     `not a valid name here`,
	}
}

func TestAccModel_basic(t *testing.T)       { testAccBasic(t, modelNoun) }
func TestAccModel_update(t *testing.T)      { testAccUpdate(t, modelNoun) }
func TestAccModel_disappears(t *testing.T)  { testAccDisappears(t, modelNoun) }
func TestAccModel_timeout(t *testing.T)     { testAccTimeout(t, modelNoun) }
func TestAccModel_unsupported(t *testing.T) { testAccUnsupported(t, modelNoun) }
