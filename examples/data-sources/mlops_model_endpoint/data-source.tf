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
  command      = ["python3", "${abspath(path.module)}/serve.py"]
}

resource "mlops_model_endpoint" "churn" {
  environment = mlops_environment.dev.id
  name        = "churn"
  variants    = { champion = { version = mlops_model_version.first.id, traffic = 100 } }
}

data "mlops_model_endpoint" "churn" {
  id         = mlops_model_endpoint.churn.id
  depends_on = [mlops_model_endpoint.churn]
}

# How many replicas run is the autoscaler's affair: it is looked up, never planned.
output "replicas" {
  value = data.mlops_model_endpoint.churn.replicas
}
