resource "mlops_environment" "dev" {
  name  = "churn-dev"
  stage = "dev"
  local = {}
}

resource "mlops_pipeline" "hello" {
  environment = mlops_environment.dev.id
  name        = "hello"
  steps       = { greet = { command = ["echo", "hello"] } }
}

resource "mlops_pipeline_run" "hello" {
  pipeline = mlops_pipeline.hello.id
}

data "mlops_pipeline_run" "hello" {
  id = mlops_pipeline_run.hello.id
}

output "status" {
  value = data.mlops_pipeline_run.hello.status
}
