import {
  to = mlops_environment.dev
  identity = {
    id = "local/churn-dev"
  }
}
