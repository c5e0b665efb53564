terraform import mlops_model_version.this local/churn-dev/models/churn/versions/3
