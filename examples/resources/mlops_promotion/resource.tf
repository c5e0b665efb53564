resource "mlops_environment" "this" {
  for_each = toset(["test", "prod"])

  name  = "churn-${each.key}"
  stage = each.key
  local = {} # each may be on a backend of its own
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

# The same bytes, as an approved version of prod's model. When test registers
# other bytes, those are promoted in their turn if they pass the gates.
resource "mlops_promotion" "prod" {
  from        = mlops_model_version.test.id
  to          = mlops_model.this["prod"].id
  approved_by = "jane@example.com"
  aliases     = ["champion"]

  gates = {
    min             = { accuracy = 0.9 }
    relative        = { loss = 5 } # at most five percent worse than what prod serves
    lower_is_better = ["loss"]
    approval        = true
  }
}

output "evidence" {
  value = { for gate, judged in mlops_promotion.prod.evidence.gates : gate => judged.detail }
}
