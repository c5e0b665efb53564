package provider

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// accTarget is where versions are promoted to.
const accTarget = `
resource "mlops_environment" "prod" {
  name    = "acc-prod"
  stage   = "prod"
  BACKEND = {}
}

resource "mlops_model" "prod" {
  environment = mlops_environment.prod.id
  name        = "churn"
}
`

const accMeasured = accBytes + `
  metrics = { accuracy = 0.9, loss = 0.2 }
`

func accPromotion(arguments string) string {
	return accVersion(accMeasured) + accTarget + `
resource "mlops_promotion" "test" {
  from = mlops_model_version.test.id
  to   = mlops_model.prod.id
` + arguments + `
}
`
}

func promotionNoun(w world) accNoun {
	const address = "mlops_promotion.test"
	evidence := func(below tfjsonpath.Path, want knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownValue(address, below, want)
	}
	at := tfjsonpath.New("evidence")
	return accNoun{
		address: address,
		config:  accPromotion(""),
		checks: []statecheck.StateCheck{
			has(address, "id", knownvalue.StringExact(w.idIn("acc-prod", "models/churn/versions/1"))),
			has(address, "version", knownvalue.StringExact("1")),
			statecheck.CompareValuePairs(address, tfjsonpath.New("digest"), "mlops_model_version.test", tfjsonpath.New("digest"), same{}),
			evidence(at.AtMapKey("from"), knownvalue.StringExact(w.id("models/churn/versions/1"))),
			evidence(at.AtMapKey("by"), knownvalue.NotNull()),
			evidence(at.AtMapKey("metrics").AtMapKey("accuracy"), knownvalue.Float64Exact(0.9)),
			evidence(at.AtMapKey("approved_by"), knownvalue.Null()),
		},
		update: accPromotion(`
  description = "for everybody"
  labels      = { team = "ml" }
  aliases     = ["champion"]
  approved_by = "jane@example.com"
  gates       = { min = { accuracy = 0.5 }, approval = true }
`),
		updated: []statecheck.StateCheck{
			has(address, "version", knownvalue.StringExact("1")),
			evidence(at.AtMapKey("approved_by"), knownvalue.StringExact("jane@example.com")),
		},
		replace: strings.ReplaceAll(accPromotion(""), "mlops_model.prod.id", "mlops_model.other.id") + `
resource "mlops_model" "other" {
  environment = mlops_environment.prod.id
  name        = "other"
}
`,
		around: accVersion(accMeasured) + accTarget,
		stuck:  w.freeze(accPromotion(`timeouts = { create = "1s" }`)),
	}
}

// same expects that two values are equal.
type same struct{}

// CompareValues implements compare.ValueComparer.
func (same) CompareValues(values ...any) error {
	for _, v := range values {
		if v == nil || v != values[0] {
			return fmt.Errorf("the values differ: %v", values)
		}
	}
	return nil
}

func TestAccPromotion_basic(t *testing.T)      { testAccBasic(t, promotionNoun) }
func TestAccPromotion_update(t *testing.T)     { testAccUpdate(t, promotionNoun) }
func TestAccPromotion_disappears(t *testing.T) { testAccDisappears(t, promotionNoun) }
func TestAccPromotion_timeout(t *testing.T)    { testAccTimeout(t, promotionNoun) }

// Gates that can be judged at plan are, with the figures, and nothing is made.
func TestAccPromotion_gates(t *testing.T) {
	accept(t, func(w world) []resource.TestStep {
		around := accVersion(accMeasured) + accTarget
		refused := func(gates string, words ...string) resource.TestStep {
			return resource.TestStep{Config: w.on(accPromotion(gates)), ExpectError: regexp.MustCompile(`(?s)` + strings.Join(words, ".*"))}
		}
		return []resource.TestStep{
			{Config: w.on(around)},
			refused(`gates = { min = { accuracy = 0.95 } }`, `accuracy\s+is\s+0.9`, `at\s+least\s+0.95`),
			refused(`gates = { max = { loss = 0.1 } }`, `loss\s+is\s+0.2`, `at\s+most\s+0.1`),
			refused(`gates = { min = { accurate = 0.5 } }`, `Did\s+you\s+mean\s+"accuracy"`),
			refused(`gates = { served_for = "1h" }`, `no\s+endpoint`),
			refused(`gates = { approval = true }`, `Not\s+approved`),
			refused(`gates = { min = { accuracy = 0.9 }, max = { accuracy = 0.8 } }`, `can\s+never\s+pass`),
			{
				Config:            w.on(accPromotion(`gates = { min = { accuracy = 0.9 }, relative = { loss = 0 }, lower_is_better = ["loss"] }`)),
				ConfigPlanChecks:  willDo("mlops_promotion.test", plancheck.ResourceActionCreate),
				ConfigStateChecks: []statecheck.StateCheck{has("mlops_promotion.test", "version", knownvalue.StringExact("1"))},
			},
			// What is promoted is not judged again.
			{Config: w.on(accPromotion(`gates = { min = { accuracy = 0.99 } }`)), ConfigPlanChecks: willDo("mlops_promotion.test", plancheck.ResourceActionUpdate)},
		}
	})
}

// A gate whose source the same apply makes can be judged at apply only: that
// fails the apply, and makes nothing.
func TestAccPromotion_gatesAtApply(t *testing.T) {
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(accPromotion(`gates = { min = { accuracy = 0.95 } }`)), ExpectError: regexp.MustCompile(`(?s)Gate\s+not\s+passed.*at\s+least\s+0.95`)},
			{Config: w.on(accPromotion("")), ConfigStateChecks: []statecheck.StateCheck{has("mlops_promotion.test", "version", knownvalue.StringExact("1"))}},
		}
	})
}

// Other bytes are promoted as the next version; the endpoint that serves the
// first follows in place, and the first stays as history.
func TestAccPromotion_successor(t *testing.T) {
	config := strings.ReplaceAll(accPromotion(""), `"SERVER"`, `"FOLDER/server.py"`) + `
resource "mlops_model_endpoint" "prod" {
  environment = mlops_environment.prod.id
  name        = "churn"
  variants    = { champion = { version = mlops_promotion.test.id, traffic = 100 } }
}

data "mlops_promotion" "test" {
  id = mlops_model_endpoint.prod.variants["champion"].version
}
`
	accept(t, func(w world) []resource.TestStep {
		served := func(number string) []statecheck.StateCheck {
			id := knownvalue.StringExact(w.idIn("acc-prod", "models/churn/versions/"+number))
			return []statecheck.StateCheck{
				has("mlops_promotion.test", "id", id),
				has("data.mlops_promotion.test", "id", id),
				statecheck.CompareValuePairs("data.mlops_promotion.test", tfjsonpath.New("evidence").AtMapKey("digest"), "mlops_model_version.test", tfjsonpath.New("digest"), same{}),
				statecheck.ExpectKnownValue("mlops_model_endpoint.prod", tfjsonpath.New("serving").AtMapKey("champion").AtMapKey("version"), id),
			}
		}
		write := func(comment string) func() {
			return func() { writeServer(t, filepath.Join(w.folder, "server.py"), comment) }
		}
		return []resource.TestStep{
			{PreConfig: write("# one\n"), Config: w.on(config), ConfigStateChecks: served("1")},
			{PreConfig: write("# two\n"), Config: w.on(config), ConfigStateChecks: served("2"), ConfigPlanChecks: willDo("mlops_promotion.test", plancheck.ResourceActionUpdate)},
		}
	})
}

func writeServer(t *testing.T, path, comment string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "server.py"))
	if err == nil {
		err = os.WriteFile(path, append(text, comment...), 0o600)
	}
	if err != nil {
		t.Error(err)
	}
}

// A version that was not promoted is no promotion.
func TestAccPromotion_importOfAVersion(t *testing.T) {
	accept(t, func(w world) []resource.TestStep {
		return []resource.TestStep{
			{Config: w.on(accPromotion(""))},
			{
				ResourceName: "mlops_promotion.test", ImportState: true, ImportStateId: w.id("models/churn/versions/1"),
				ExpectError: regexp.MustCompile(`was\s+not\s+promoted`),
			},
		}
	})
}

// Source and target may be on different backends. The bytes are real on both.
func TestAccPromotion_acrossBackends(t *testing.T) {
	t.Parallel()
	if os.Getenv(resource.EnvTfAcc) == "" {
		t.Skip("acceptance test; run it with make testacc")
	}
	for _, direction := range [][2]string{{"memory", "local"}, {"local", "memory"}} {
		t.Run(strings.Join(direction[:], " to "), func(t *testing.T) {
			t.Parallel()
			worlds := map[string]world{"memory": memoryWorld(t), "local": localWorld(t)}
			both := worlds["local"]
			both.backend = direction[0]
			both.factories = append(both.factories, worlds["memory"].factories...)
			config := both.on(strings.ReplaceAll(accPromotion(""), accTarget, strings.ReplaceAll(accTarget, "BACKEND", direction[1])))
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: both.servers(),
				Steps: []resource.TestStep{{
					Config: config,
					ConfigStateChecks: []statecheck.StateCheck{
						has("mlops_promotion.test", "id", knownvalue.StringExact(direction[1]+"/acc-prod/models/churn/versions/1")),
						statecheck.CompareValuePairs("mlops_promotion.test", tfjsonpath.New("digest"), "mlops_model_version.test", tfjsonpath.New("digest"), same{}),
					},
					ConfigPlanChecks: willDo("mlops_promotion.test", plancheck.ResourceActionCreate),
				}},
				CheckDestroy: func(s *terraform.State) error {
					for _, name := range []string{"memory", "local"} {
						if err := worlds[name].nothingLeft(s); err != nil {
							return err
						}
					}
					return nil
				},
			})
		})
	}
}

// Bytes that somebody changed behind the platform's back are not promoted.
func TestAccPromotion_changedBytes(t *testing.T) {
	accept(t, func(w world) []resource.TestStep {
		if w.spoil == nil { // where nobody can
			return []resource.TestStep{{Config: w.on(accPromotion(""))}}
		}
		return []resource.TestStep{
			{Config: w.on(accVersion(accMeasured) + accTarget), Check: func(s *terraform.State) error {
				return w.spoil(s.RootModule().Resources["mlops_model_version.test"].Primary.Attributes["uri"])
			}},
			{Config: w.on(accPromotion("")), ExpectError: regexp.MustCompile(`(?s)digest`)},
			{Config: w.on(accVersion(accMeasured) + accTarget)},
		}
	})
}

// spoil adds to the bytes that are kept at a URI.
func spoil(uri string) error {
	path := strings.TrimPrefix(uri, "file://")
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := os.Chmod(path, info.Mode()|0o200); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	_, err = f.WriteString("# spoilt\n")
	return err
}

// Two promotions of the same bytes to the same model are one version, which two
// resources cannot both have.
func TestAccPromotion_twice(t *testing.T) {
	accept(t, func(w world) []resource.TestStep {
		before, alone, _ := strings.Cut(accPromotion(""), accTarget)
		again := strings.ReplaceAll(alone, `"test"`, `"again"`)
		return []resource.TestStep{
			{Config: w.on(accPromotion("") + again), ExpectError: regexp.MustCompile(`Already\s+managed\s+by\s+this\s+configuration`)},
			// Either of the two may have it. Both go before one comes: Terraform
			// would delete it for the one while it makes it for the other.
			{Config: w.on(before + accTarget)},
			{Config: w.on(accPromotion(""))},
		}
	})
}

// Two configurations of one owner that promote the same at once end with one
// version that both know.
func TestPromotionsAtOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t, memoryFactory(), mlops.Settings{})
	to := made(t, s, mlops.NounModel, mlops.Backend.Models, mlops.ModelSpec{Environment: s.environment, Name: "other"})
	spec := promotionSpec{PromotionSpec: mlops.PromotionSpec{From: s.versions[0], To: to}}
	ids := make(chan mlops.ID)
	for range 8 {
		go func() {
			change, err := promotionsOn(s.platforms, s.opened["memory"]).Create(t.Context(), spec)
			if err != nil {
				t.Error(err)
			}
			ids <- change.Ref
		}()
	}
	made := map[mlops.ID]bool{}
	for range 8 {
		made[<-ids] = true
	}
	if len(made) != 1 {
		t.Errorf("there are %v", made)
	}
	for id := range made {
		if err := removeBy(s.opened["memory"].ModelVersions(), mlops.CodeOf, id); err != nil {
			t.Error(err)
		}
	}
}

// Source and target may be on two engines: two settings of one backend, which
// have the same IDs.
func TestAccPromotion_acrossSettings(t *testing.T) {
	t.Parallel()
	if os.Getenv(resource.EnvTfAcc) == "" {
		t.Skip("acceptance test; run it with make testacc")
	}
	near, far := localWorld(t), localWorld(t)
	// Terraform shares one server among the aliases of a provider that a test
	// serves, and it would be configured once: another name makes it two.
	servers := near.servers()
	servers["far"] = far.servers()[typeName]
	other := strings.Replace(far.provider, `"mlops"`, `"far"`, 1)
	settings := "source_settings = { directory = " + regexp.MustCompile(`directory = (".*") `).FindStringSubmatch(far.provider)[1] + " }"
	source := regexp.MustCompile(`(resource "[a-z_]+" "test" \{\n)`).ReplaceAllString(accVersion(accMeasured), "$1  provider = far\n")
	promotion := accPromotion(settings)[len(accVersion(accMeasured)):]
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: servers,
		Steps: []resource.TestStep{
			{
				Config: other + near.on(source+promotion),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.CompareValuePairs("mlops_promotion.test", tfjsonpath.New("digest"), "mlops_model_version.test", tfjsonpath.New("digest"), same{}),
				},
				ConfigPlanChecks: willDo("mlops_promotion.test", plancheck.ResourceActionCreate),
			},
			{
				Config:      other + near.on(source+strings.ReplaceAll(promotion, "{ directory", "{ dirctory")),
				ExpectError: regexp.MustCompile(`Did\s+you\s+mean\s+"directory"`),
			},
		},
		CheckDestroy: func(s *terraform.State) error {
			if err := far.nothingLeft(s); err != nil {
				return err
			}
			return near.nothingLeft(s)
		},
	})
}
