terraform import mlops_pipeline.train local/churn-dev/pipelines/churn-train
