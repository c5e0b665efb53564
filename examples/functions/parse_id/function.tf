locals {
  version = provider::mlops::parse_id("local/churn-dev/models/churn/versions/3")
}

output "where" {
  # "version 3 of local/churn-dev/models/churn"
  value = "version ${local.version.name} of ${local.version.parent}"
}
