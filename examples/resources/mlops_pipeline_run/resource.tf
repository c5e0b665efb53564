resource "mlops_environment" "dev" {
  name  = "churn-dev"
  stage = "dev"
  local = {}
}

resource "mlops_pipeline" "score" {
  environment = mlops_environment.dev.id
  name        = "churn-score"
  parameters  = { threshold = { type = "number", default = 0.5 } }

  steps = {
    score = {
      script  = <<-PYTHON
        import json, os
        scores = [0.1, 0.4, 0.6, 0.9]
        flagged = sum(s >= float(os.environ["THRESHOLD"]) for s in scores)
        with open(os.environ["MLOPS_OUTPUT_METRICS"], "w") as f:
            json.dump({"flagged": flagged, "share": flagged / len(scores)}, f)
      PYTHON
      env     = { THRESHOLD = "{{params.threshold}}" }
      outputs = ["metrics"]
    }
  }
}

# Apply waits until the run has ended, and fails with the step's last log lines
# if the run does.
resource "mlops_pipeline_run" "first" {
  pipeline   = mlops_pipeline.score.id
  parameters = { threshold = 0.6 }

  # A change of any value asks for another run; the earlier one stays as history.
  triggers = { code = mlops_pipeline.score.version }

  timeouts = { create = "30m", update = "30m" }
}

output "flagged" {
  value = mlops_pipeline_run.first.metrics["flagged"]
}
