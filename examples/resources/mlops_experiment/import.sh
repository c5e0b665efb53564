terraform import mlops_experiment.churn local/churn-dev/experiments/churn
