# The same environment at two stages: what differs is in the profiles.

module "stage" {
  source   = "../.."
  for_each = toset(["dev", "prod"])

  name     = "stages-${each.key}"
  stage    = each.key
  timezone = "Australia/Sydney"

  # So that the example can be destroyed without a second thought.
  profile = { deletion_protection = false }
}

output "profiles" {
  description = "What each stage stands for."
  value       = { for stage, environment in module.stage : stage => environment.profile }
}
