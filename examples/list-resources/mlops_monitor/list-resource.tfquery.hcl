list "mlops_monitor" "all" {
  provider = mlops

  config {
    environment = "local/churn-dev"
  }
}
