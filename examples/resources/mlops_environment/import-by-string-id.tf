import {
  to = mlops_environment.dev
  id = "local/churn-dev"
}
