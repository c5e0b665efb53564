action "mlops_rollback_endpoint" "churn" {
  config {
    endpoint = "local/churn-prod/endpoints/churn"
  }
}

# terraform apply -invoke=action.mlops_rollback_endpoint.churn
