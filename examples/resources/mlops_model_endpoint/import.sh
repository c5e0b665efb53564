terraform import mlops_model_endpoint.churn local/churn-dev/endpoints/churn
