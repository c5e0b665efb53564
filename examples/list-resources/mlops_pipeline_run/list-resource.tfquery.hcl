list "mlops_pipeline_run" "all" {
  provider = mlops

  config {
    pipeline = "local/churn-dev/pipelines/churn-train"
  }
}
