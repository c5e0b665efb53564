import {
  to = mlops_pipeline_run.first
  identity = {
    id = "local/churn-dev/pipelines/churn-train/runs/r-3f9c2b71aa"
  }
}
