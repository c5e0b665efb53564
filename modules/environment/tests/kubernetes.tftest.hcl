# What a stage asks of a cluster: what the cluster has, by the target's settings. Its
# plan asks the cluster itself, so that here its answers are made up; the example of
# modules/service is applied to a real one.

mock_provider "mlops" {}

variables {
  name = "tft-environment"
}

run "prod_asks_for_what_the_cluster_has" {
  command = plan

  variables {
    stage = "prod"
    target = { kubernetes = {
      cluster        = "lab"
      storage_uri    = "s3://models/churn"
      gateway        = "istio-system/public"
      prometheus_url = "https://prometheus.example.com"
    } }
    registry = { mlflow = { uri = "https://mlflow.example.com", username = "ci" } }
    budget   = { monthly_usd = 100 }
  }

  assert {
    condition     = output.profile.hours == null && mlops_environment.this.retention == null && mlops_environment.this.budget == null
    error_message = "a cluster has neither hours, nor retention, nor budgets"
  }
  assert {
    condition     = output.profile.capture_percent == 100
    error_message = "KServe's logger keeps all requests or none"
  }
  assert {
    condition     = output.profile.rollout.strategy == "canary" && output.profile.rollout.gates.max_error_percent == 1 && output.profile.rollout.gates.max_p95 == "1s"
    error_message = "prod is not careful, with figures to judge by"
  }
  assert {
    condition     = output.profile.rollout.keep_previous == "5m"
    error_message = "an apply waits for half an hour until what was replaced is gone"
  }
  assert {
    condition     = mlops_environment.this.kubernetes.gateway == "istio-system/public" && mlops_environment.this.registry.mlflow.username == "ci"
    error_message = "the target's settings or the registry do not arrive"
  }
  assert {
    condition     = output.environment.backend == "kubernetes" && mlops_environment.this.local == null
    error_message = "it is on another backend"
  }
}

run "dev_waits_for_nothing" {
  command = plan

  variables {
    stage  = "dev"
    target = { kubernetes = { prometheus_url = "https://prometheus.example.com" } }
  }

  assert {
    condition     = output.profile.hours == null && output.profile.rollout.strategy == "all_at_once" && output.profile.rollout.gates == null && output.profile.rollout.keep_previous == "0s"
    error_message = "a change in dev waits for something"
  }
  assert {
    condition     = output.profile.capture_percent == 0
    error_message = "there is nowhere to keep captures"
  }
}

run "without_figures_the_smoke_test_judges_alone" {
  command = plan

  variables {
    stage  = "staging"
    target = { kubernetes = { storage_uri = "pvc://models" } }
  }

  assert {
    condition     = output.profile.rollout.gates.max_error_percent == null && output.profile.rollout.gates.max_p95 == null && output.profile.rollout.gates.smoke_test
    error_message = "gates are judged by figures that nobody has"
  }
  assert {
    condition     = output.profile.capture_percent == 0
    error_message = "KServe's logger does not write to volumes"
  }
}

run "the_model_servers_own_figures_have_no_errors" {
  command = plan

  variables {
    stage  = "test"
    target = { kubernetes = { prometheus_url = "https://prometheus.example.com", metrics = "kserve", capture_url = "https://broker.example.com" } }
  }

  assert {
    condition     = output.profile.rollout.gates.max_error_percent == null && output.profile.rollout.gates.max_p95 == "1s"
    error_message = "KServe's model servers count no errors, and how long they take"
  }
  assert {
    condition     = output.profile.capture_percent == 100
    error_message = "what is captured goes to capture_url"
  }
}

run "what_is_given_goes_before_the_cluster" {
  command = plan

  variables {
    stage   = "prod"
    target  = { kubernetes = { storage_uri = "s3://models" } }
    profile = { capture_percent = 0, rollout = { strategy = "blue_green", keep_previous = "1m" } }
  }

  assert {
    condition     = output.profile.capture_percent == 0 && output.profile.rollout.strategy == "blue_green" && output.profile.rollout.keep_previous == "1m"
    error_message = "the profile that was given is not in force"
  }
}
