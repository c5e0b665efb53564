import {
  to = mlops_dataset.customers
  id = "local/churn-dev/datasets/customers"
}
