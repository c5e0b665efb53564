# A service that trains, and the service that its model is promoted to, on the
# embedded engine.

variables {
  name = "tft-service"
  training = {
    steps = {
      train = {
        command = ["python3", "-c", file("tests/fixtures/train.py")]
        outputs = ["model", "metrics", "train"]
        env     = { ANSWER = "{{params.answer}}", ACCURACY = "{{params.accuracy}}" }
      }
    }
    parameters = {
      answer   = { type = "integer", default = "1" }
      accuracy = { type = "number", default = "0.9" }
    }
    baseline = "train"
  }
  model = { format = "custom", command = ["sh", "-c", "exec python3 \"$MODEL_PATH\""] }
  serving = {
    smoke_test = { request = "{\"instances\": [[41, 30000]]}" }
  }
  monitoring = {
    data_drift       = { statistic = "psi", threshold = 0.2 }
    prediction_drift = {}
    data_quality     = { max_missing_percent = 1 }
    health           = { max_error_percent = 1 }
  }
  retraining = { cooldown = "1h", max_per_month = 2 }
}

run "environments" {
  module {
    source = "./tests/environments"
  }
}

run "it_trains_and_serves" {
  variables {
    environment = run.environments.dev
  }

  assert {
    condition     = output.metrics.accuracy == 0.9
    error_message = "the run's metrics are missing"
  }
  assert {
    condition     = output.serving["champion"].digest == output.digest && output.version_id == "local/tft-service-dev/models/tft-service/versions/1"
    error_message = "what serves is not what was trained"
  }
  assert {
    condition     = mlops_dataset.baseline[0].rows == 500
    error_message = "the baseline is not the training data"
  }
  assert {
    condition     = mlops_monitor.this.on_violation.max_per_month == 2 && mlops_monitor.this.alerts == null
    error_message = "dev retrains, and alerts nobody"
  }
}

run "other_parameters_make_another_version_in_place" {
  variables {
    environment = run.environments.dev
    training = {
      steps = {
        train = {
          command = ["python3", "-c", file("tests/fixtures/train.py")]
          outputs = ["model", "metrics", "train"]
          env     = { ANSWER = "{{params.answer}}", ACCURACY = "{{params.accuracy}}" }
        }
      }
      parameters = {
        answer   = { type = "integer", default = "1" }
        accuracy = { type = "number", default = "0.9" }
      }
      values   = { answer = "2", accuracy = "0.95" }
      baseline = "train"
    }
  }

  assert {
    condition     = output.version_id == "local/tft-service-dev/models/tft-service/versions/2"
    error_message = "another model is not another version"
  }
  assert {
    condition     = output.serving["champion"].version == output.version_id && output.serving["champion"].digest == output.digest
    error_message = "the new model does not serve"
  }
}

run "training_and_promotion_exclude_each_other" {
  command = plan

  variables {
    environment = run.environments.dev
    promotion   = { from = "local/tft-service-dev/models/tft-service/versions/1" }
  }

  expect_failures = [var.training]
}
