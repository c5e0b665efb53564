terraform {
  required_version = ">= 1.8" # provider-defined functions

  required_providers {
    mlops = {
      source = "terraform-mlops/mlops"
    }
  }
}

provider "mlops" {}
