list "mlops_experiment" "all" {
  provider = mlops

  config {
    environment = "local/churn-dev"
  }
}
