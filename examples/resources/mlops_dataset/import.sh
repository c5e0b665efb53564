terraform import mlops_dataset.customers local/churn-dev/datasets/customers
