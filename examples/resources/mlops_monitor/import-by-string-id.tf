import {
  to = mlops_monitor.churn
  id = "local/churn-dev/monitors/churn"
}
