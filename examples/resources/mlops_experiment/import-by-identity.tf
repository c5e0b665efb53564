import {
  to = mlops_experiment.churn
  identity = {
    id = "local/churn-dev/experiments/churn"
  }
}
