import {
  to = mlops_model.churn
  id = "local/churn-dev/models/churn"
}
