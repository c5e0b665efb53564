# A place to try things: what is old is removed by itself.
resource "mlops_environment" "dev" {
  name  = "churn-dev"
  stage = "dev"
  local = {}

  labels    = { team = "growth" }
  retention = { runs = "168h", captures = "24h" }
}

# A place that nobody destroys by accident: `terraform destroy` is refused until
# deletion_protection is set to false and applied.
resource "mlops_environment" "prod" {
  name  = "churn-prod"
  stage = "prod"
  local = {}

  labels              = { team = "growth" }
  retention           = { runs = "2160h", captures = "720h" }
  deletion_protection = true
}
