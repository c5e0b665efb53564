list "mlops_model_version" "all" {
  provider         = mlops
  include_resource = true
  limit            = 20

  config {
    model = "local/churn-dev/models/churn"
  }
}
