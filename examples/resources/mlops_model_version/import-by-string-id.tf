import {
  to = mlops_model_version.this
  id = "local/churn-dev/models/churn/versions/3"
}
