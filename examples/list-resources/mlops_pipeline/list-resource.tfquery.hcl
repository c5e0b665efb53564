list "mlops_pipeline" "all" {
  provider = mlops

  config {
    environment = "local/churn-dev"
  }
}
