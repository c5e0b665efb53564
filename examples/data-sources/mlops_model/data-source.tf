resource "mlops_environment" "dev" {
  name  = "churn-dev"
  stage = "dev"
  local = {}
}

resource "mlops_model" "churn" {
  environment = mlops_environment.dev.id
  name        = "churn"
}

data "mlops_model" "churn" {
  id         = mlops_model.churn.id
  depends_on = [mlops_model.churn]
}

output "latest" {
  value = data.mlops_model.churn.latest
}
