import {
  to = mlops_model_version.this
  identity = {
    id = "local/churn-dev/models/churn/versions/3"
  }
}
