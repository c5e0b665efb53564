resource "mlops_environment" "dev" {
  name  = "churn-dev"
  stage = "dev"
  local = {}
}

resource "mlops_model" "churn" {
  environment = mlops_environment.dev.id
  name        = "churn"
}

resource "mlops_model_version" "first" {
  model        = mlops_model.churn.id
  artifact_uri = "file://${abspath(path.module)}/champion.json"
  format       = "custom"
  command      = ["python3", "-m", "http.server", "--bind", "127.0.0.1", "$PORT"]
  aliases      = ["champion"]
}

# By alias; also by id, or by model and version.
data "mlops_model_version" "champion" {
  model      = mlops_model.churn.id
  alias      = "champion"
  depends_on = [mlops_model_version.first]
}

output "champion" {
  value = data.mlops_model_version.champion.digest
}
