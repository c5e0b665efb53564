import {
  to = mlops_dataset.customers
  identity = {
    id = "local/churn-dev/datasets/customers"
  }
}
