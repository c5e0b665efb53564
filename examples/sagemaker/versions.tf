terraform {
  required_version = ">= 1.11" # as the modules

  required_providers {
    mlops = {
      source = "terraform-mlops/mlops"
    }
  }
}

# Credentials and region come from where AWS's own tools take them: the environment,
# or a profile.
provider "mlops" {}
