resource "mlops_environment" "dev" {
  name  = "churn-dev"
  stage = "dev"
  local = {}
}

resource "mlops_pipeline" "train" {
  environment = mlops_environment.dev.id
  name        = "churn-train"

  steps = {
    train = {
      packages = ["scikit-learn==1.7.2"]
      script   = <<-PYTHON
        import json, os
        import joblib
        from sklearn.linear_model import LogisticRegression
        months, churned = [[1], [3], [24], [48]], [1, 1, 0, 0]
        model = LogisticRegression().fit(months, churned)
        joblib.dump(model, os.environ["MLOPS_OUTPUT_MODEL"])
        with open(os.environ["MLOPS_OUTPUT_METRICS"], "w") as f:
            json.dump({"accuracy": model.score(months, churned)}, f)
      PYTHON
      outputs  = ["model", "metrics"]
    }
  }
}

resource "mlops_pipeline_run" "first" {
  pipeline = mlops_pipeline.train.id
  triggers = { code = mlops_pipeline.train.version }
}

resource "mlops_model" "churn" {
  environment = mlops_environment.dev.id
  name        = "churn"
}

# Versions are addressed by content: the same bytes keep their number, other
# bytes get the next one. Metrics, packages and lineage come from the run.
resource "mlops_model_version" "this" {
  model  = mlops_model.churn.id
  run    = mlops_pipeline_run.first.id
  output = "model"
  format = "sklearn"

  approval = "approved"
  aliases  = ["champion"]
}
