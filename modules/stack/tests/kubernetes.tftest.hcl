# Stages on clusters, and one that is not: what is said of a target goes where it is
# meant. A plan asks the cluster, so that here its answers are made up.

mock_provider "mlops" {}

run "each_stage_is_where_it_is_said_to_be" {
  command = plan

  plan_options {
    target = [module.environment] # services are modules/service's
  }

  variables {
    name = "tft-stack"
    targets = {
      test = { kubernetes = { cluster = "lab", gateway = "istio-system/public" } }
      prod = { kubernetes = {
        cluster        = "prod-eu"
        gateway        = "istio-system/public"
        prometheus_url = "https://prometheus.example.com"
        storage_uri    = "s3://models/churn"
        quota          = { cpu = "64" }
      } }
    }
    registries = { prod = { mlflow = { uri = "https://mlflow.example.com" } } }
    training   = { steps = { train = { command = ["python3", "-c", "train(1)"], outputs = ["model"] } } }
    model      = { format = "sklearn" }
  }

  assert {
    condition     = [for stage in ["dev", "test", "prod"] : module.environment[stage].environment.backend] == ["local", "kubernetes", "kubernetes"]
    error_message = "a stage is elsewhere"
  }
  assert {
    condition     = [for stage in ["dev", "test", "prod"] : module.environment[stage].profile.capture_percent] == [100, 0, 100]
    error_message = "the settings of a target do not arrive at its stage"
  }
  assert {
    condition     = module.environment["test"].profile.rollout.gates.max_p95 == null && module.environment["prod"].profile.rollout.gates.max_p95 == "1s"
    error_message = "a stage is judged by the figures of another"
  }
}
