terraform import mlops_environment.dev local/churn-dev
