# One service on a Kubernetes cluster of your own: Argo Workflows trains, MLflow keeps
# the model, KServe serves it behind a gateway, and Prometheus tells how it does.

resource "mlops_environment" "dev" {
  name  = "tumor-dev"
  stage = "dev"

  kubernetes = {
    storage_uri         = var.storage_uri
    storage_credentials = var.storage_credentials
    gateway             = var.gateway
    prometheus_url      = var.prometheus_url
    quota               = { cpu = "16", memory = "64Gi", accelerators = "1" }
  }
  registry = {
    mlflow = {
      uri      = var.mlflow.uri
      username = var.mlflow.username
      token    = var.mlflow_token
    }
  }
  labels = { example = "kubernetes" }
}

# A WorkflowTemplate, and a CronWorkflow that trains every Sunday; the next apply takes
# the new model up.
resource "mlops_pipeline" "train" {
  environment = mlops_environment.dev.id
  name        = "train"
  parameters = {
    trees = { type = "integer", default = "100", description = "How many trees the forest has." }
  }
  steps = {
    train = {
      script   = file("${path.module}/train.py")
      packages = ["scikit-learn==1.7.2", "pandas==2.3.3", "joblib==1.5.2"]
      env      = { TREES = "{{params.trees}}" }
      outputs  = ["model", "metrics"]
      compute  = { cpu = 2, memory = "4Gi" }
      retry    = { attempts = 2, backoff = "10s" }
      timeout  = "30m"
    }
  }
  schedule = { cron = "0 3 * * 0", timezone = "Europe/Berlin" }
}

# A Workflow, which is waited for; another only when the code or the parameters change.
resource "mlops_pipeline_run" "train" {
  pipeline   = mlops_pipeline.train.id
  parameters = { trees = var.trees }
  triggers   = { code = mlops_pipeline.train.version }
}

# In MLflow, the registered model tumor-dev.tumor.
resource "mlops_model" "tumor" {
  environment = mlops_environment.dev.id
  name        = "tumor"
  description = "Tells benign from malignant tumors by 30 measurements of cell nuclei."
}

resource "mlops_model_version" "tumor" {
  model  = mlops_model.tumor.id
  run    = mlops_pipeline_run.train.id
  output = "train.model"
  format = "sklearn"
}

# An InferenceService behind an HTTPRoute. A new version starts beside the one in force,
# answers the smoke test, and gets its traffic in steps, as long as Prometheus has
# nothing against it.
resource "mlops_model_endpoint" "tumor" {
  environment = mlops_environment.dev.id
  name        = "tumor"
  variants = {
    champion = {
      version = mlops_model_version.tumor.id
      traffic = 100
      compute = { cpu = 1, memory = "2Gi" }
      scaling = { min = 1, max = 4 }
    }
  }
  smoke_test = { request = file("${path.module}/sample.json") }
  rollout = {
    strategy = "canary"
    steps    = [10, 50]
    bake     = "5m"
    gates    = { max_error_percent = 1, max_p95 = "500ms" }
  }
}
