terraform import mlops_pipeline_run.first local/churn-dev/pipelines/churn-train/runs/r-3f9c2b71aa
