list "mlops_dataset" "all" {
  provider = mlops

  config {
    environment = "local/churn-dev"
  }
}
