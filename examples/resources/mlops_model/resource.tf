resource "mlops_environment" "dev" {
  name  = "churn-dev"
  stage = "dev"
  local = {}
}

resource "mlops_model" "churn" {
  environment = mlops_environment.dev.id
  name        = "churn"
  description = "How likely a customer is to leave within a month."
  labels      = { team = "growth" }
}
