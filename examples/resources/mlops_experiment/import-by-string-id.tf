import {
  to = mlops_experiment.churn
  id = "local/churn-dev/experiments/churn"
}
