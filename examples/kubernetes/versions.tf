terraform {
  required_version = ">= 1.11" # write-only attributes

  required_providers {
    mlops = {
      source = "terraform-mlops/mlops"
    }
  }
}

# The kubeconfig is found as kubectl finds it; which context of it is meant is said, for
# the current one changes.
provider "mlops" {
  kubernetes = { config_context = var.context }
}
