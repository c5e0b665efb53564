list "mlops_promotion" "all" {
  provider = mlops

  config {
    model = "local/churn-prod/models/churn"
  }
}
