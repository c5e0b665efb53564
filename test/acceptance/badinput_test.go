package acceptance

import (
	"fmt"
	"strings"
	"testing"
)

// TestAccBadInput plans wrong configurations. Each is refused at plan, with the
// attribute and what to do, before anything is made.
func TestAccBadInput(t *testing.T) {
	t.Parallel()
	pipeline := func(steps string) string {
		return environment + "resource \"mlops_pipeline\" \"p\" {\n environment = mlops_environment.e.id\n name = \"p\"\n steps = {" + steps + "}\n}\n"
	}
	tests := []struct {
		name   string
		config string
		want   []string
	}{
		{
			"unknown step", pipeline(`
			prepare = { command = ["true"], outputs = ["data"] }
			train   = { command = ["true"], inputs = { data = "{{steps.prepar.outputs.data}}" } }`),
			[]string{`steps["train"].inputs["data"]`, `Did you mean "prepare"?`},
		},
		{
			"cycle", pipeline(`
			a = { command = ["true"], after = ["b"] }
			b = { command = ["true"], after = ["a"] }`),
			[]string{"cycle", "a → b → a"},
		},
		{
			"missing output", pipeline(`
			prepare = { command = ["true"], outputs = ["data"] }
			train   = { command = ["true"], inputs = { data = "{{steps.prepare.outputs.dat}}" } }`),
			[]string{`steps["train"].inputs["data"]`, `Did you mean "data"?`},
		},
		{
			"image", pipeline(`a = { image = "python:3.12", command = ["true"] }`),
			[]string{`steps["a"].image`, "not available on local"},
		},
		{
			"cron that never fires", strings.Replace(pipeline(`a = { command = ["true"] }`), "name = \"p\"", "name = \"p\"\n schedule = { cron = \"0 0 31 2 *\" }", 1),
			[]string{"never fires", "schedule.cron"},
		},
		{
			"time zone", strings.Replace(pipeline(`a = { command = ["true"] }`), "name = \"p\"", "name = \"p\"\n schedule = { cron = \"0 0 * * *\", timezone = \"Mars/Olympus\" }", 1),
			[]string{"IANA time zone"},
		},
		{"traffic", strings.Replace(served, "traffic = 100", "traffic = 90", 1), []string{"sums to 90", "variants"}},
		{"no target", strings.Replace(environment, "local = {}", "", 1), []string{"local"}},
		{"name with spaces", strings.Replace(environment, `"acc"`, `"my churn"`, 1), []string{"my churn", "lower-case letters"}},
		{"name with an emoji", strings.Replace(environment, `"acc"`, `"churn-📈"`, 1), []string{"lower-case letters"}},
		{"name of 300 characters", strings.Replace(environment, `"acc"`, `"`+strings.Repeat("a", 300)+`"`, 1), []string{"300 characters", "at most"}},
		{"stage", strings.Replace(environment, `"dev"`, `"production"`, 1), []string{"dev, test, staging, prod"}},
		{"model in no environment", `
			resource "mlops_model" "m" {
			  environment = "local"
			  name        = "m"
			}`, []string{"not a whole ID"}},
		{"backend that is not there", `
			resource "mlops_model" "m" {
			  environment = "mainframe/e"
			  name        = "m"
			}`, []string{"mainframe"}},
		{"one name twice", environment + strings.Replace(environment, `"e"`, `"again"`, 1), []string{"local/acc"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := workspace(t, tt.config)
			w.Write("server.py", server("good", ""))
			r := w.Run("plan")
			if r.Code == 0 {
				t.Fatalf("the plan succeeded:\n%s", r.Out)
			}
			r.Contains(t, tt.want...)
			if left := w.Processes(); len(left) > 0 {
				t.Errorf("a plan that was refused started %q", left)
			}
		})
	}
}

// TestAccBadInputAtApply has inputs that only show themselves at apply.
func TestAccBadInputAtApply(t *testing.T) {
	t.Parallel()
	metrics := func(text string) string {
		return environment + `
resource "mlops_pipeline" "p" {
  environment = mlops_environment.e.id
  name        = "p"
  steps = {
    score = { command = ["sh", "-c", "printf '%s' '` + strings.ReplaceAll(text, `"`, `\"`) + `' >\"$MLOPS_OUTPUT_METRICS\""], outputs = ["metrics"] }
  }
}
resource "mlops_pipeline_run" "r" { pipeline = mlops_pipeline.p.id }
`
	}
	tests := []struct {
		name   string
		config string
		want   []string
	}{
		{"artifact that does not exist", served, []string{"server.py", "mlops_model_version.v"}},
		{"metrics that are not JSON", metrics("auc is 0.9"), []string{"score", "metrics"}},
		{"metrics that are nested", metrics(`{"auc": {"train": 0.9}}`), []string{"score", "flat JSON object of numbers", "auc"}},
		{"metrics that are words", metrics(`{"auc": "high"}`), []string{"score", "flat JSON object of numbers", "auc"}},
		{"step that fails", strings.Replace(metrics("{}"), "printf '%s' '{}'", "echo no such table >&2; exit 3; echo", 1), []string{"score", "status 3", "no such table"}},
		{"output that is not written", strings.Replace(metrics("{}"), `\"$MLOPS_OUTPUT_METRICS\"`, "/dev/null", 1), []string{"score", "metrics"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := workspace(t, tt.config)
			w.ApplyFails().Contains(t, tt.want...)
			w.Destroy()
			w.NothingLeft()
		})
	}
}

// TestAccOneRunForTwo has two resources that ask for exactly the same run: the
// first gets it, and the other is told.
func TestAccOneRunForTwo(t *testing.T) {
	t.Parallel()
	run := `
resource "mlops_pipeline_run" "%s" {
  pipeline   = mlops_pipeline.p.id
  triggers   = { code = "%s" }
  depends_on = [%s]
}
`
	w := workspace(t, environment+`
resource "mlops_pipeline" "p" {
  environment = mlops_environment.e.id
  name        = "p"
  steps       = { only = { command = ["true"] } }
}
`)
	w.Write("one.tf", fmt.Sprintf(run, "one", "x", "mlops_pipeline.p"))
	w.Write("two.tf", fmt.Sprintf(run, "two", "x", "mlops_pipeline_run.one"))
	w.ApplyFails().Contains(t, "asks for exactly the same", "by a trigger")
	w.Write("two.tf", fmt.Sprintf(run, "two", "y", "mlops_pipeline_run.one"))
	w.Apply()
	w.PlanIsEmpty()
}
