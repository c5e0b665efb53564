# Dev, test and prod in three namespaces of one cluster: Argo Workflows trains in dev,
# and the very same bytes go from there to test and, once somebody approved them, to prod.

locals {
  stages = toset(["dev", "test", "prod"])
}

module "wine" {
  source = "../.."

  name        = var.name
  description = "Tells three kinds of grapes apart by 13 measurements of their wine."

  targets = { for stage in local.stages : stage => { kubernetes = {
    cluster         = var.context
    gateway         = var.gateway
    prometheus_url  = var.prometheus_url
    pushgateway_url = var.pushgateway_url
    storage_uri     = "${var.storage_uri}/${stage}"
    quota           = { cpu = "16", memory = "64Gi" }
  } } }
  registries  = { for stage in local.stages : stage => { mlflow = var.mlflow } }
  credentials = { for stage in local.stages : stage => { storage = var.storage_credentials, registry = var.mlflow_token } }

  training = {
    parameters = { trees = { type = "integer", default = "100", description = "How many trees the forest has." } }
    values     = { trees = tostring(var.trees) }
    steps = {
      prepare = {
        script   = file("${path.module}/../../../service/examples/kubernetes/prepare.py")
        packages = ["scikit-learn==1.7.2", "pandas==2.3.3"]
        outputs  = ["known", "unseen"]
      }
      train = {
        script   = file("${path.module}/../../../service/examples/kubernetes/train.py")
        packages = ["scikit-learn==1.7.2", "pandas==2.3.3", "joblib==1.5.2"]
        inputs   = { known = "{{steps.prepare.outputs.known}}", unseen = "{{steps.prepare.outputs.unseen}}" }
        env      = { TREES = "{{params.trees}}" }
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
  retraining = {} # at each violation in dev: Argo Workflows counts nothing
  alerts     = var.webhook_url == null ? null : { webhook_url = var.webhook_url }

  gates    = { test = { min = { accuracy = 0.9 } }, prod = { relative = { accuracy = 2 } } }
  approval = var.approval
  profiles = var.profiles
}

output "urls" {
  description = "Where each stage answers."
  value       = module.wine.urls
}

output "versions" {
  description = "What each stage serves; that of test is what to approve."
  value       = module.wine.versions
}

output "digests" {
  description = "Digest of the bytes that each stage serves."
  value       = module.wine.digests
}
