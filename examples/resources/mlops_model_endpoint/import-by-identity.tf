import {
  to = mlops_model_endpoint.churn
  identity = {
    id = "local/churn-dev/endpoints/churn"
  }
}
