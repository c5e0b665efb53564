import {
  to = mlops_monitor.churn
  identity = {
    id = "local/churn-dev/monitors/churn"
  }
}
