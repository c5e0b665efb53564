terraform {
  required_providers {
    mlops = {
      source = "terraform-mlops/mlops"
    }
  }
}

# Nothing has to be set: the embedded engine starts by itself when a local
# environment first needs it, and keeps its files in ~/.mlops, or where
# local = { directory = "…" } or MLOPS_LOCAL_DIRECTORY says.
provider "mlops" {}

resource "mlops_environment" "dev" {
  name  = "churn-dev"
  stage = "dev"
  local = {}
}
