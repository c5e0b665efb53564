import {
  to = mlops_model_endpoint.churn
  id = "local/churn-dev/endpoints/churn"
}
