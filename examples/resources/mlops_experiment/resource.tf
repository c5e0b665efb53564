resource "mlops_environment" "dev" {
  name  = "churn-dev"
  stage = "dev"
  local = {}
}

resource "mlops_experiment" "churn" {
  environment = mlops_environment.dev.id
  name        = "churn"
  description = "Which depth tells best who leaves."
}

resource "mlops_pipeline" "train" {
  environment = mlops_environment.dev.id
  name        = "churn-train"
  experiment  = mlops_experiment.churn.id # its runs are tracked there
  parameters  = { depth = { type = "integer", default = 4 } }
  steps = {
    train = {
      command = ["sh", "-c", "echo '{\"depth\": '$DEPTH'}' > $MLOPS_OUTPUT_METRICS"]
      env     = { DEPTH = "{{params.depth}}" }
      outputs = ["metrics"]
    }
  }
}

resource "mlops_pipeline_run" "depth" {
  for_each = toset(["4", "8"])

  pipeline   = mlops_pipeline.train.id
  parameters = { depth = each.key }
}
