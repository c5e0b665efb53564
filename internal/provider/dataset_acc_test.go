package provider

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

func accDataset(arguments string) string {
	return accEnvironment + `
resource "mlops_dataset" "test" {
  environment = mlops_environment.test.id
` + arguments + `
}
`
}

const accCustomers = "name = \"customers\"\nuri = \"TABLE\"\n"

func datasetNoun(w world) accNoun {
	const address = "mlops_dataset.test"
	return accNoun{
		address: address,
		config:  accDataset(accCustomers),
		checks: []statecheck.StateCheck{
			has(address, "id", knownvalue.StringExact(w.id("datasets/customers"))),
			has(address, "digest", knownvalue.StringRegexp(regexp.MustCompile("^sha256:"))),
			has(address, "version", knownvalue.StringExact("1")),
		},
		update: accDataset(accCustomers + `
  description = "who buys"
  schema      = { age = { type = "integer", required = true }, country = { type = "string" }, spent = { type = "number" }, prediction = { type = "integer" } }
  checks      = { min_rows = 100, max_missing_percent = 1, columns = { age = { min = 18, max = 80 }, country = { values = ["at", "au", "de"] } } }
`),
		updated: []statecheck.StateCheck{
			statecheck.ExpectKnownValue(address, tfjsonpath.New("checks").AtMapKey("on_failure"), knownvalue.StringExact("error")),
			has(address, "version", knownvalue.StringExact("1")), // the same bytes
		},
		replace:     accDataset("name = \"others\"\nuri = \"TABLE\"\n"),
		around:      accEnvironment,
		stuck:       w.freeze(accDataset(accCustomers + "timeouts = { create = \"1s\" }")),
		unsupported: accDataset("name = \"My Customers\"\nuri = \"TABLE\"\n"),
		refusal:     `not a valid name here`,
	}
}

func TestAccDataset_basic(t *testing.T)       { testAccBasic(t, datasetNoun) }
func TestAccDataset_update(t *testing.T)      { testAccUpdate(t, datasetNoun) }
func TestAccDataset_disappears(t *testing.T)  { testAccDisappears(t, datasetNoun) }
func TestAccDataset_timeout(t *testing.T)     { testAccTimeout(t, datasetNoun) }
func TestAccDataset_unsupported(t *testing.T) { testAccUnsupported(t, datasetNoun) }

// Other bytes under the same name are a planned change. Bytes that break a rule
// are refused at plan, and what was there stays.
func TestAccDataset_changed(t *testing.T) {
	const address = "mlops_dataset.test"
	t.Parallel()
	if os.Getenv(resource.EnvTfAcc) == "" {
		t.Skip("acceptance test; run it with make testacc")
	}
	w := localWorld(t)
	path := filepath.Join(t.TempDir(), "table.csv")
	config := w.on(accDataset("name = \"customers\"\nuri = \"" + path + "\"\nchecks = { min_rows = 2, columns = { age = { max = 120 } } }\n"))
	write := func(text string) func() {
		return func() {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Error(err)
			}
		}
	}
	version := func(v string) []statecheck.StateCheck {
		return []statecheck.StateCheck{has(address, "version", knownvalue.StringExact(v)), has(address, "rows", knownvalue.Int64Exact(2))}
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.servers(), CheckDestroy: w.nothingLeft,
		Steps: []resource.TestStep{
			{PreConfig: write("age\n30\n40\n"), Config: config, ConfigStateChecks: version("1")},
			{PreConfig: write("age\n30\n41\n"), Config: config, ConfigStateChecks: version("2"), ConfigPlanChecks: willDo(address, plancheck.ResourceActionUpdate)},
			{PreConfig: write("age\n30\n410\n"), Config: config, ExpectError: regexp.MustCompile(`(?s)Data that break the rules.*1\s+values\s+above\s+max\s+=\s+120`)},
			{PreConfig: write("age\n30\n41\n"), Config: config, ConfigStateChecks: version("2"), ConfigPlanChecks: willDo(address, plancheck.ResourceActionNoop)},
		},
	})
}
