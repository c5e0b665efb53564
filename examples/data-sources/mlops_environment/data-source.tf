resource "mlops_environment" "dev" {
  name  = "churn-dev"
  stage = "dev"
  local = {}
}

# An ID is known before its object exists. depends_on makes the look wait for
# an object that the same apply creates; without such a one, leave it out.
data "mlops_environment" "dev" {
  id         = mlops_environment.dev.id
  depends_on = [mlops_environment.dev]
}

output "created_at" {
  value = data.mlops_environment.dev.created_at
}
