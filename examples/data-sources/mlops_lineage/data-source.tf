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

data "mlops_lineage" "prod" {
  id = mlops_promotion.prod.id
}

# WHAT           ID                                        MADE                  DETAIL
# model version  local/churn-test/models/churn/versions/1  2026-01-31T03:00:12Z  pending
# model version  local/churn-prod/models/churn/versions/1  2026-01-31T03:00:14Z  approved
#                  local/churn-test/models/churn/versions/1 promoted to it
output "chain" {
  value = data.mlops_lineage.prod.table
}

# Every digest on the way is the same.
output "digests" {
  value = distinct([for node in data.mlops_lineage.prod.nodes : node.digest])
}
