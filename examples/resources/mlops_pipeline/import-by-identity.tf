import {
  to = mlops_pipeline.train
  identity = {
    id = "local/churn-dev/pipelines/churn-train"
  }
}
