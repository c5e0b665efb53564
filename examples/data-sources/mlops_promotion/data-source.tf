resource "mlops_environment" "this" {
  for_each = toset(["test", "prod"])

  name  = "churn-${each.key}"
  stage = each.key
  local = {}
}

resource "mlops_model" "this" {
  for_each = mlops_environment.this

  environment = each.value.id
  name        = "churn"
}

resource "mlops_model_version" "test" {
  model        = mlops_model.this["test"].id
  artifact_uri = "file://${abspath(path.module)}/model.json"
  format       = "custom"
  command      = ["python3", "-m", "http.server", "--bind", "127.0.0.1", "$PORT"]
  metrics      = { accuracy = 0.93, loss = 0.21 }
}

resource "mlops_promotion" "prod" {
  from = mlops_model_version.test.id
  to   = mlops_model.this["prod"].id
}

# Why a version was let through, whoever promoted it.
data "mlops_promotion" "prod" {
  id = mlops_promotion.prod.id
}

output "why" {
  value = "${data.mlops_promotion.prod.evidence.by} promoted ${data.mlops_promotion.prod.evidence.from} on ${data.mlops_promotion.prod.evidence.at}"
}
