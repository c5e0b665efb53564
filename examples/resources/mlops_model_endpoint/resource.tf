resource "mlops_environment" "dev" {
  name  = "churn-dev"
  stage = "dev"
  local = {}
}

resource "mlops_model" "churn" {
  environment = mlops_environment.dev.id
  name        = "churn"
}

# One version for each of two files; the server is a script of our own. With
# format "sklearn", "xgboost", "mlflow" or "onnx" no command is needed.
resource "mlops_model_version" "this" {
  for_each = toset(["champion", "challenger"])

  model        = mlops_model.churn.id
  artifact_uri = "file://${abspath(path.module)}/${each.key}.json"
  format       = "custom"
  command      = ["python3", "${abspath(path.module)}/serve.py"]
  approval     = "approved"
}

resource "mlops_model_endpoint" "churn" {
  environment = mlops_environment.dev.id
  name        = "churn"

  variants = {
    champion = {
      version = mlops_model_version.this["champion"].id
      traffic = 90
      compute = { cpu = 1, memory = "512Mi" }
      scaling = { min = 1, max = 4, target = { concurrency = 8 } }
    }
    challenger = {
      version = mlops_model_version.this["challenger"].id
      traffic = 10
      # Sleeps when nobody asks, wakes on the next request.
      scaling = { min = 0, max = 1, idle_after = "10m" }
    }
  }

  # A new version gets traffic only after it has answered this; otherwise the
  # old one goes on serving and the apply fails with the server's last log lines.
  smoke_test = {
    request       = jsonencode({ instances = [[3], [24]] })
    expect_status = 200
  }

  rollout         = { strategy = "all_at_once" }
  capture         = { sample_percent = 10 }
  request_timeout = "5s"
}

output "url" {
  value = mlops_model_endpoint.churn.url
}
