resource "mlops_environment" "dev" {
  name  = "churn-dev"
  stage = "dev"
  local = {}
}

resource "mlops_dataset" "customers" {
  environment = mlops_environment.dev.id
  name        = "customers"
  uri         = "${path.module}/customers.csv"
}

data "mlops_dataset" "customers" {
  id         = mlops_dataset.customers.id
  depends_on = [mlops_dataset.customers]
}

output "versions" {
  value = [for version in data.mlops_dataset.customers.history : version.digest]
}
