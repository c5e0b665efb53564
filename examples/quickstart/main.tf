# One service, from data to answers, in three stages: dev trains a model on real
# data; test and prod serve the very same bytes, each at its own size.

locals {
  stages = {
    dev  = { replicas = { min = 1, max = 1 }, capture_percent = 100 }
    test = { replicas = { min = 1, max = 2 }, capture_percent = 50 }
    prod = { replicas = { min = 2, max = 4 }, capture_percent = 10 }
  }

  packages = ["scikit-learn==1.7.2", "pandas==2.3.3", "joblib==1.5.2"]

  # A real row of the data; the answer for it is "malignant".
  sample = file("${path.module}/sample.json")
}

resource "mlops_environment" "this" {
  for_each = local.stages

  name   = "tumor-${each.key}"
  stage  = each.key
  local  = {} # the embedded engine; another backend is a change of this line
  labels = { example = "quickstart" }
}

# --- dev: from data to a model ------------------------------------------------

resource "mlops_pipeline" "train" {
  environment = mlops_environment.this["dev"].id
  name        = "tumor-train"
  description = "Learns to tell benign from malignant tumors (breast cancer Wisconsin, diagnostic)."

  parameters = {
    trees = { type = "integer", default = 100, description = "How many trees the forest has." }
  }

  steps = {
    prepare = {
      script   = file("${path.module}/prepare.py")
      packages = local.packages
      outputs  = ["train", "test"]
    }
    train = {
      script   = file("${path.module}/train.py")
      packages = local.packages
      inputs = {
        train = "{{steps.prepare.outputs.train}}"
        test  = "{{steps.prepare.outputs.test}}"
      }
      env     = { TREES = "{{params.trees}}" }
      outputs = ["model", "metrics"]
      compute = { cpu = 1, memory = "1Gi" }
      retry   = { attempts = 2, backoff = "5s" }
      timeout = "10m"
    }
  }
}

resource "mlops_pipeline_run" "train" {
  pipeline   = mlops_pipeline.train.id
  parameters = { trees = var.trees }
  triggers   = { code = mlops_pipeline.train.version }
}

# --- a version in each stage, of the same bytes ---------------------------------

resource "mlops_model" "tumor" {
  for_each = local.stages

  environment = mlops_environment.this[each.key].id
  name        = "tumor"
  description = "Tells benign from malignant tumors by 30 measurements of cell nuclei."
}

resource "mlops_model_version" "dev" {
  model    = mlops_model.tumor["dev"].id
  run      = mlops_pipeline_run.train.id
  output   = "model"
  format   = "sklearn"
  approval = "approved"
  aliases  = ["champion"]
}

resource "mlops_model_version" "promoted" {
  for_each = toset(["test", "prod"])

  model        = mlops_model.tumor[each.key].id
  artifact_uri = mlops_model_version.dev.uri
  format       = "sklearn"
  packages     = local.packages
  metrics      = mlops_model_version.dev.metrics
  approval     = "approved"
  aliases      = ["champion"]

  lifecycle {
    postcondition {
      condition     = self.digest == mlops_model_version.dev.digest
      error_message = "These are not the bytes that dev has proven."
    }
  }
}

# --- an endpoint in each stage, at its own size -----------------------------------

locals {
  versions = merge({ dev = mlops_model_version.dev }, mlops_model_version.promoted)
}

resource "mlops_model_endpoint" "tumor" {
  for_each = local.stages

  environment = mlops_environment.this[each.key].id
  name        = "tumor"

  variants = {
    champion = {
      version = local.versions[each.key].id
      traffic = 100
      compute = { cpu = 1, memory = "1Gi" }
      scaling = { min = each.value.replicas.min, max = each.value.replicas.max, target = { concurrency = 8 } }
    }
  }

  # A version that does not answer this gets no traffic; the one before it stays.
  smoke_test = { request = local.sample }
  capture    = { sample_percent = each.value.capture_percent }
}
