action "mlops_run_pipeline" "train" {
  config {
    pipeline   = "local/churn-dev/pipelines/churn-train"
    parameters = { max_depth = "6" }
    timeout    = "1h"
  }
}

# terraform apply -invoke=action.mlops_run_pipeline.train
