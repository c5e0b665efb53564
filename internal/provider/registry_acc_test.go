package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"golang.org/x/sys/unix"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/client"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow/mlflowtest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// accMLflow is a real MLflow server, which the tests of registries share.
var accMLflow mlflowtest.Server //nolint:gochecknoglobals // TestMain ends it

// accShared is one environment, on an engine of its own, with a real MLflow server
// as its registry.
type accShared struct {
	world

	gate *mlflowtest.Gate
	name string // of the environment, which no other has at the server
}

// acceptShared runs steps on the local backend with a registry.
func acceptShared(t *testing.T, at *mlflowtest.Server, steps func(s accShared) []resource.TestStep) {
	t.Helper()
	if os.Getenv(resource.EnvTfAcc) == "" {
		t.Skip("acceptance test; run it with make testacc")
	}
	name := strings.ToLower(strings.NewReplacer("TestAccEnvironment_", "", "/", "-").Replace(t.Name()))
	s := accShared{localWorld(t), at.Gate(t, "s3cret"), name}
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: s.servers(), Steps: steps(s), CheckDestroy: s.nothingLeft})
}

// environment is the configuration of the environment.
func (s accShared) environment(token string) string {
	return s.on(fmt.Sprintf(`
resource "mlops_environment" "test" {
  name     = %q
  stage    = "dev"
  local    = {}
  registry = { mlflow = { uri = %q, token = %q } }
}

data "mlops_environment" "test" { id = mlops_environment.test.id }
`, s.name, s.gate.URI, token))
}

// config has a version of a model, with more arguments.
func (s accShared) config(token, arguments string) string {
	return s.environment(token) + fmt.Sprintf(`
resource "mlops_model" "test" {
  environment = mlops_environment.test.id
  name        = "churn"
  description = "who leaves"
}

resource "mlops_model_version" "test" {
  model        = mlops_model.test.id
  artifact_uri = "%s/server.py"
  format       = "custom"
  command      = ["sh", "-c", "exec python3 \"$MODEL_PATH\""]
  approval     = "approved"
  %s
}
`, s.folder, arguments)
}

// bytes writes what is registered: a model server that works, with a comment.
func (s accShared) bytes(t *testing.T, comment string) func() {
	t.Helper()
	return func() {
		text, err := os.ReadFile(filepath.Join("testdata", "server.py"))
		if err == nil {
			err = os.WriteFile(filepath.Join(s.folder, "server.py"), append(text, "\n# "+comment+"\n"...), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// python runs a program of MLflow's own client, to which name is the model.
func (s accShared) python(t *testing.T, at *mlflowtest.Server, program string) map[string]any {
	t.Helper()
	return at.Python(t, "client = mlflow.MlflowClient()\nname = args[0]\n"+program, s.name+".churn")
}

// TestAccEnvironment_registry takes a model through its life in a registry that an
// ordinary client reads and changes.
func TestAccEnvironment_registry(t *testing.T) {
	t.Parallel()
	const environment, version, secret = "mlops_environment.test", "mlops_model_version.test", "s3cret"
	acceptShared(t, &accMLflow, func(s accShared) []resource.TestStep {
		champion := s.config(secret, `aliases = ["champion"]`)
		reads := func(want string) resource.TestCheckFunc {
			return func(*terraform.State) error {
				got := s.python(t, &accMLflow, `
v = client.get_model_version_by_alias(name, "champion")
text = open(mlflow.artifacts.download_artifacts("models:/" + name + "@champion") + "/server.py").read()
out["seen"] = "version %s %s of %s ends with %s" % (v.version, v.tags["mlops.approval"], client.get_registered_model(name).description, text.splitlines()[-1])
`)["seen"]
				if got != want {
					return fmt.Errorf("the client reads %q, want %q", got, want)
				}
				return nil
			}
		}
		hidden := func(address string, action plancheck.ResourceActionType) resource.ConfigPlanChecks {
			checks := willDo(address, action)
			checks.PreApply = append(checks.PreApply, hides(secret))
			return checks
		}
		marked := []statecheck.StateCheck{
			hides(secret), has(environment, "registry_mark", knownvalue.StringRegexp(regexp.MustCompile("^[0-9a-f]{16}$"))),
			statecheck.ExpectKnownValue("data.mlops_environment.test", tfjsonpath.New("registry").AtMapKey("mlflow"), knownvalue.ObjectExact(map[string]knownvalue.Check{
				"uri": knownvalue.StringExact(s.gate.URI), "username": knownvalue.Null(), "token": knownvalue.Null(),
			})),
		}
		return []resource.TestStep{
			{
				PreConfig: s.bytes(t, "one"), Config: champion, ConfigPlanChecks: hidden(version, plancheck.ResourceActionCreate), ConfigStateChecks: marked,
				Check: reads("version 1 approved of who leaves ends with # one"),
			},
			{Config: champion, ConfigPlanChecks: hidden(environment, plancheck.ResourceActionNoop)},
			{
				PreConfig: s.bytes(t, "two"), Config: champion, ConfigPlanChecks: willDo(version, plancheck.ResourceActionUpdate),
				Check: reads("version 2 approved of who leaves ends with # two"),
			},
			{
				PreConfig: func() { s.python(t, &accMLflow, `client.set_registered_model_alias(name, "champion", "1")`) },
				Config:    champion, ConfigPlanChecks: willDo(version, plancheck.ResourceActionUpdate),
				Check: reads("version 2 approved of who leaves ends with # two"),
			},
			{
				PreConfig: func() { s.gate.Admit("n3xt") },
				Config:    champion, ExpectError: regexp.MustCompile(`(?s)401`),
			},
			{PreConfig: func() { s.gate.Admit(secret) }, Config: s.environment(secret)},
			{
				PreConfig: func() { s.gate.Admit("n3xt") },
				Config:    s.environment("n3xt"), ConfigPlanChecks: willDo(environment, plancheck.ResourceActionUpdate),
				Check: func(*terraform.State) error {
					left := s.python(t, &accMLflow, `out["left"] = [m.name for m in client.search_registered_models() if m.name == name]`)["left"]
					if all, _ := left.([]any); len(all) > 0 {
						return fmt.Errorf("the server still has %v", all)
					}
					return nil
				},
			},
			{ResourceName: environment, ImportState: true, ImportStateVerify: true},
		}
	})
}

// TestAccEnvironment_registryRefused proves that a registry which cannot be used is
// refused before anything is made.
func TestAccEnvironment_registryRefused(t *testing.T) {
	t.Parallel()
	acceptShared(t, &accMLflow, func(s accShared) []resource.TestStep {
		at := func(uri string) string {
			return strings.Replace(s.environment("s3cret"), s.gate.URI, uri, 1)
		}
		return []resource.TestStep{
			{Config: s.environment("wrong"), PlanOnly: true, ExpectError: regexp.MustCompile(`(?s)registry\s+cannot\s+be\s+used.*401`)},
			{Config: at("https://ada:pw@mlflow.example.com"), PlanOnly: true, ExpectError: regexp.MustCompile(`Credentials in a URL`)},
			{Config: at("mlflow.example.com"), PlanOnly: true, ExpectError: regexp.MustCompile(`Not a URL`)},
			{
				PreConfig: func() { s.gate.Shut(true) },
				Config:    s.environment("s3cret"), ExpectError: regexp.MustCompile(`(?s)does\s+not\s+answer`),
			},
			{PreConfig: func() { s.gate.Shut(false) }, Config: s.environment("s3cret")},
		}
	})
}

// TestAccEnvironment_registryAway proves that endpoints serve what is here while the
// registry does not answer, and that nothing is taken to be gone.
func TestAccEnvironment_registryAway(t *testing.T) {
	t.Parallel()
	acceptShared(t, &accMLflow, func(s accShared) []resource.TestStep {
		config := s.config("s3cret", "") + `
resource "mlops_model_endpoint" "test" {
  environment = mlops_environment.test.id
  name        = "churn"
  variants    = { champion = { version = mlops_model_version.test.id, traffic = 100 } }
}
`
		var url string
		return []resource.TestStep{
			{PreConfig: s.bytes(t, "one"), Config: config, Check: func(state *terraform.State) error {
				url = state.RootModule().Resources["mlops_model_endpoint.test"].Primary.Attributes["url"]
				return answers(url)
			}},
			{
				PreConfig: func() {
					s.gate.Shut(true)
					if err := answers(url); err != nil {
						t.Error(err)
					}
				},
				Config: config, PlanOnly: true, ExpectError: regexp.MustCompile(`(?s)does\s+not\s+answer`),
			},
			{
				PreConfig: func() { s.gate.Shut(false) },
				Config:    config, ConfigPlanChecks: willDo("mlops_model_version.test", plancheck.ResourceActionNoop),
			},
		}
	})
}

// answers expects an endpoint to answer.
func answers(url string) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, strings.NewReader(`{"instances": [[1]]}`))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return nil
}

// once has a gate do something after the server did what a path asks for, the first
// time, and lose the answer.
func (s accShared) once(path string, do func()) {
	var done atomic.Bool
	s.gate.After(func(r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, path) || !done.CompareAndSwap(false, true) {
			return false
		}
		do()
		return true
	})
}

// registered expects one version of the model.
func (s accShared) registered(t *testing.T, at *mlflowtest.Server) resource.TestCheckFunc {
	t.Helper()
	return func(*terraform.State) error {
		got := s.python(t, at, `out["n"] = [str(v.version) for v in client.search_model_versions("name = '" + name + "'")]`)["n"]
		if all, _ := got.([]any); len(all) != 1 {
			return fmt.Errorf("the server has the versions %v, want one", got)
		}
		return nil
	}
}

// TestAccEnvironment_registryEngineKilled proves that a version which the server has,
// and the engine was killed before it knew, is adopted by the next engine.
func TestAccEnvironment_registryEngineKilled(t *testing.T) {
	t.Parallel()
	acceptShared(t, &accMLflow, func(s accShared) []resource.TestStep {
		directory := regexp.MustCompile(`directory = "([^"]+)"`).FindStringSubmatch(s.provider)[1]
		var killed atomic.Bool
		kill := func() {
			running, err := client.Find(context.Background(), (&accEngine{directory: directory, owner: "acc"}).options())
			if err != nil || running == nil {
				t.Errorf("there is no engine to kill: %v", err)
				return
			}
			err = unix.Kill(running.PID, unix.SIGKILL)
			killed.Store(err == nil)
		}
		return []resource.TestStep{{
			PreConfig: func() { s.bytes(t, "one")(); s.once("/model-versions/create", kill) },
			Config:    s.config("s3cret", ""), ConfigPlanChecks: willDo("mlops_model_version.test", plancheck.ResourceActionCreate),
			Check: func(state *terraform.State) error {
				if !killed.Load() {
					return errors.New("no engine was killed")
				}
				return s.registered(t, &accMLflow)(state)
			},
		}}
	})
}

// TestAccEnvironment_registryRestarted stops the server in the middle of an apply, and
// starts it for the next, which finishes.
func TestAccEnvironment_registryRestarted(t *testing.T) {
	t.Parallel()
	if os.Getenv(resource.EnvTfAcc) == "" {
		t.Skip("acceptance test; run it with make testacc")
	}
	at := accMLflow.Another(t)
	do := func(f func() error) {
		if err := f(); err != nil {
			t.Error(err)
		}
	}
	acceptShared(t, at, func(s accShared) []resource.TestStep {
		return []resource.TestStep{
			{
				PreConfig: func() { s.bytes(t, "one")(); s.once("/runs/create", func() { do(at.Stop) }) },
				Config:    s.config("s3cret", ""), ExpectError: regexp.MustCompile(`(?s)MLflow`),
			},
			{PreConfig: func() { do(at.Start) }, Config: s.config("s3cret", ""), Check: s.registered(t, at)},
		}
	})
}

// TestAccEnvironment_registryShared proves that two environments share a server: the
// same model in each, by its environment's name, and the same bytes by a promotion.
func TestAccEnvironment_registryShared(t *testing.T) {
	t.Parallel()
	acceptShared(t, &accMLflow, func(s accShared) []resource.TestStep {
		config := s.config("s3cret", "") + fmt.Sprintf(`
resource "mlops_environment" "prod" {
  name     = "%s-prod"
  stage    = "prod"
  local    = {}
  registry = { mlflow = { uri = %q, token = "s3cret" } }
}

resource "mlops_model" "prod" {
  environment = mlops_environment.prod.id
  name        = "churn"
}

resource "mlops_promotion" "prod" {
  from        = mlops_model_version.test.id
  to          = mlops_model.prod.id
  approved_by = "ada"
  aliases     = ["champion"]
}
`, s.name, s.gate.URI)
		return []resource.TestStep{{
			PreConfig: s.bytes(t, "one"), Config: config, ConfigPlanChecks: willDo("mlops_promotion.prod", plancheck.ResourceActionCreate),
			Check: func(*terraform.State) error {
				got := s.python(t, &accMLflow, `
environment = name.split(".")[0]
dev, prod = client.get_model_version(name, "1"), client.get_model_version_by_alias(environment + "-prod.churn", "champion")
out["same"] = dev.tags["mlops.digest"] == prod.tags["mlops.digest"] and dev.source != prod.source
`)["same"]
				if got != true {
					return errors.New("the two environments have other bytes, or the same place for them")
				}
				return nil
			},
		}}
	})
}

// Where a platform has a registry of its own, another is refused.
func TestAccEnvironment_registryUnsupported(t *testing.T) {
	acceptWhere(t, []mlops.Feature{mlops.FeatureEnvironmentMLflow}, func(w world) []resource.TestStep {
		config := strings.Replace(accEnvironment, "BACKEND = {}", "BACKEND = {}\n  registry = { mlflow = { uri = \"http://127.0.0.1:1\" } }", 1)
		if w.backend == "memory" { // which asks no server
			return []resource.TestStep{{Config: w.on(config)}}
		}
		return []resource.TestStep{{Config: w.on(config), ExpectError: regexp.MustCompile(`(?s)does\s+not\s+answer`)}}
	})
}
