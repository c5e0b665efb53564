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

resource "mlops_pipeline" "train" {
  environment = mlops_environment.dev.id
  name        = "churn-train"
  steps       = { train = { command = ["sh", "-c", "echo weights > $MLOPS_OUTPUT_MODEL"], outputs = ["model"] } }
}

variable "webhook_url" {
  description = "Of the chat that is told."
  type        = string
  default     = "https://chat.example.com/hooks/on-call"
  sensitive   = true
}

resource "mlops_monitor" "churn" {
  endpoint = mlops_model_endpoint.churn.id
  name     = "churn"
  schedule = { cron = "*/15 * * * *" }
  window   = "24h"

  baseline     = { dataset = mlops_dataset.customers.id }
  data_drift   = { statistic = "psi", threshold = 0.2 }
  data_quality = { max_missing_percent = 1, max_category_percent = 1 }
  health       = { max_error_percent = 1, max_p95 = "250ms" }

  alerts       = { webhook_url = var.webhook_url }
  on_violation = { pipeline = mlops_pipeline.train.id, cooldown = "24h", max_per_month = 4 }
}
