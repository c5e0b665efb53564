# What a service leaves to a cluster. A plan asks the cluster, so that here its answers
# are made up; the example is applied to a real one.

mock_provider "mlops" {
  # OpenTofu has the provider look at what is made up; IDs have to be some.
  mock_resource "mlops_experiment" {
    defaults = { id = "kubernetes/lab/tft-dev/experiments/tft-service" }
  }
  mock_resource "mlops_pipeline" {
    defaults = { id = "kubernetes/lab/tft-dev/pipelines/tft-service-train" }
  }
  mock_data "mlops_pipeline_run" {
    defaults = { id = "kubernetes/lab/tft-dev/pipelines/tft-service-train/runs/1" }
  }
  mock_resource "mlops_model" {
    defaults = { id = "kubernetes/lab/tft-dev/models/tft-service" }
  }
  mock_resource "mlops_model_version" {
    defaults = { id = "kubernetes/lab/tft-dev/models/tft-service/versions/1" }
  }
  mock_resource "mlops_model_endpoint" {
    defaults = { id = "kubernetes/lab/tft-dev/endpoints/tft-service" }
  }
}

variables {
  name = "tft-service"
  environment = {
    id      = "kubernetes/lab/tft-dev"
    stage   = "dev"
    backend = "kubernetes"
    labels  = {}
    profile = {
      replicas            = { min = 1, max = 2 }
      capture_percent     = 0
      timezone            = "Etc/UTC"
      deletion_protection = false
      rollout             = { strategy = "blue_green", gates = { max_p95 = null, smoke_test = true } }
      monitor             = { cron = "0 * * * *", window = "24h" }
      alerting            = false
    }
  }
  training = { steps = { train = { command = ["python3", "-c", "train(1)"], outputs = ["model"] } } }
  model    = { format = "sklearn" }
}

run "it_scales_by_cpu_and_captures_nothing" {
  command = plan

  assert {
    condition     = mlops_model_endpoint.this.variants["champion"].scaling.target == null && mlops_model_endpoint.this.variants["champion"].scaling.max == 2
    error_message = "scaling by requests needs KEDA, which nobody asked for"
  }
  assert {
    condition     = mlops_model_endpoint.this.capture == null
    error_message = "none is not a share of requests that KServe keeps"
  }
  assert {
    condition     = !mlops_model_endpoint.this.rollout.gates.smoke_test
    error_message = "a gate repeats a smoke test that is not there"
  }
}

run "it_scales_by_requests_where_that_is_asked_for" {
  command = plan

  variables {
    serving = { concurrency = 4 }
  }

  assert {
    condition     = mlops_model_endpoint.this.variants["champion"].scaling.target.concurrency == 4
    error_message = "the requests in flight that were asked for are not aimed at"
  }
}
