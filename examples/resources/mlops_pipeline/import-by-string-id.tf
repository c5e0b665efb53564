import {
  to = mlops_pipeline.train
  id = "local/churn-dev/pipelines/churn-train"
}
