resource "mlops_environment" "dev" {
  name  = "churn-dev"
  stage = "dev"
  local = {}
}

resource "mlops_pipeline" "hello" {
  environment = mlops_environment.dev.id
  name        = "hello"
  steps       = { greet = { command = ["echo", "hello"] } }
  schedule    = { cron = "0 3 * * *", timezone = "Australia/Sydney" }
}

data "mlops_pipeline" "hello" {
  id         = mlops_pipeline.hello.id
  depends_on = [mlops_pipeline.hello]
}

output "next_run" {
  value = data.mlops_pipeline.hello.next_run
}
