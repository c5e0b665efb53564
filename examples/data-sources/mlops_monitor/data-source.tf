resource "mlops_environment" "dev" {
  name  = "churn-dev"
  stage = "dev"
  local = {}
}

resource "mlops_model" "churn" {
  environment = mlops_environment.dev.id
  name        = "churn"
}

resource "mlops_model_version" "this" {
  model        = mlops_model.churn.id
  artifact_uri = "${path.module}/champion.json"
  format       = "custom"
  command      = ["python3", "${abspath(path.module)}/serve.py"]
}

resource "mlops_model_endpoint" "churn" {
  environment = mlops_environment.dev.id
  name        = "churn"
  variants    = { champion = { version = mlops_model_version.this.id, traffic = 100 } }
  capture     = { sample_percent = 100 }
}

resource "mlops_dataset" "customers" {
  environment = mlops_environment.dev.id
  name        = "customers"
  uri         = "${path.module}/customers.csv"
}

resource "mlops_monitor" "churn" {
  endpoint   = mlops_model_endpoint.churn.id
  name       = "churn"
  schedule   = { cron = "0 * * * *" }
  baseline   = { dataset = mlops_dataset.customers.id }
  data_drift = { statistic = "ks", threshold = 0.1 }
}

data "mlops_monitor" "churn" {
  id         = mlops_monitor.churn.id
  depends_on = [mlops_monitor.churn]
}

# Each plan and apply warns while the monitor is violated; neither fails. The data
# source stands outside of the block: one within it is read in every apply, so
# that no plan is empty.
check "churn" {
  assert {
    condition     = data.mlops_monitor.churn.status.state != "violated"
    error_message = "The monitor is violated: ${data.mlops_monitor.churn.status.reason}"
  }
}
