terraform import mlops_monitor.churn local/churn-dev/monitors/churn
