terraform {
  required_version = ">= 1.11" # as modules/environment

  required_providers {
    mlops = {
      source = "terraform-mlops/mlops"
    }
  }
}
