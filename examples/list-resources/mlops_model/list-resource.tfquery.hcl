list "mlops_model" "all" {
  provider = mlops

  config {
    environment = "local/churn-dev"
  }
}
