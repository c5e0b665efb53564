terraform import mlops_model.churn local/churn-dev/models/churn
