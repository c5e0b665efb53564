list "mlops_model_endpoint" "all" {
  provider         = mlops
  include_resource = true

  config {
    environment = "local/churn-dev"
  }
}
