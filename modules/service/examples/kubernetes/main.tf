# A service on a Kubernetes cluster: Argo Workflows trains, MLflow keeps the model,
# KServe serves it, and jobs compare what it is asked with what it was trained on.

module "environment" {
  source = "../../../environment"

  name  = var.name
  stage = var.stage
  target = { kubernetes = {
    cluster        = var.context
    gateway        = var.gateway
    prometheus_url = var.prometheus_url
    storage_uri    = var.storage_uri
    quota          = { cpu = "16", memory = "64Gi" }
  } }
  registry    = { mlflow = var.mlflow }
  credentials = { storage = var.storage_credentials, registry = var.mlflow_token }

  # So that the example can be destroyed without a second thought.
  profile = { deletion_protection = false }
}

module "wine" {
  source = "../.."

  environment = module.environment.environment
  name        = "wine"
  description = "Tells three kinds of grapes apart by 13 measurements of their wine."

  training = {
    steps = {
      prepare = {
        script   = file("${path.module}/prepare.py")
        packages = ["scikit-learn==1.7.2", "pandas==2.3.3"]
        outputs  = ["known", "unseen"]
      }
      train = {
        script   = file("${path.module}/train.py")
        packages = ["scikit-learn==1.7.2", "pandas==2.3.3", "joblib==1.5.2"]
        inputs   = { known = "{{steps.prepare.outputs.known}}", unseen = "{{steps.prepare.outputs.unseen}}" }
        outputs  = ["model", "metrics"]
        compute  = { cpu = 1, memory = "2Gi" }
        timeout  = "30m"
      }
    }
    baseline = "known"
  }
  model = { format = "sklearn" }
  serving = {
    compute    = { cpu = 1, memory = "2Gi" }
    smoke_test = { request = jsonencode({ instances = [[13.2, 1.78, 2.14, 11.2, 100, 2.65, 2.76, 0.26, 1.28, 4.38, 1.05, 3.4, 1050]] }) }
  }
  monitoring = {
    label      = "target"
    data_drift = { statistic = "psi", threshold = 0.2 }
    health     = { max_error_percent = 1 }
  }
  retraining = { cooldown = "24h", max_per_month = 4 }
}

output "url" {
  description = "Where it answers."
  value       = module.wine.url
}

output "profile" {
  description = "What the stage stands for on Kubernetes: no hours, and all requests captured."
  value       = module.environment.profile
}
