package acceptance

import "testing"

// aliased serves whatever has the alias "champion".
const aliased = environment + `
variable "champion" {
  type    = string
  default = "one"
}
resource "mlops_model" "m" {
  environment = mlops_environment.e.id
  name        = "m"
}
resource "mlops_model_version" "v" {
  for_each     = toset(["one", "two"])
  model        = mlops_model.m.id
  artifact_uri = "${path.module}/${each.key}.py"
  format       = "custom"
  command      = ["sh", "-c", "exec python3 \"$MODEL_PATH\""]
  aliases      = each.key == var.champion ? ["champion"] : []
}
output "model" { value = mlops_model.m.id }
`

// follows is another configuration, which serves the alias.
const follows = `
variable "model" { type = string }
data "mlops_model_version" "champion" {
  model = var.model
  alias = "champion"
}
resource "mlops_model_endpoint" "x" {
  environment = "local/acc"
  name        = "x"
  variants    = { main = { version = data.mlops_model_version.champion.id, traffic = 100, startup_timeout = "20s" } }
}
output "url" { value = mlops_model_endpoint.x.url }
`

// TestAccAliasMovesDuringApply plans with one version, and moves the alias to
// another before the plan is applied: what was planned is served, and the next
// plan shows the move.
func TestAccAliasMovesDuringApply(t *testing.T) {
	t.Parallel()
	models := workspace(t, aliased)
	for _, name := range []string{"one", "two"} {
		models.Write(name+".py", server(name, ""))
	}
	models.Apply()
	serves := models.Beside(t)
	serves.Write("main.tf", header+follows)
	serves.Init()
	model := "model=" + models.Output("model")
	serves.Must("plan", "-out=planned", "-var", model)

	models.Apply("-var", "champion=two")
	serves.Must("apply", "planned")
	answers(t, serves.Output("url"), "one")
	if r := serves.Run("plan", "-detailed-exitcode", "-var", model); r.Code != changes {
		t.Fatalf("the next plan does not see the move (status %d):\n%s", r.Code, r.Out)
	}
	serves.Apply("-var", model)
	answers(t, serves.Output("url"), "two")
	serves.Must("destroy", "-auto-approve", "-var", model)
	models.Destroy()
	models.NothingLeft()
}
