import {
  to = mlops_model.churn
  identity = {
    id = "local/churn-dev/models/churn"
  }
}
