locals {
  services = merge({ dev = module.dev, test = module.test }, { for service in module.prod : "prod" => service })
}

output "urls" {
  description = "Where each stage answers."
  value       = { for stage, service in local.services : stage => service.url }
}

output "digests" {
  description = "Digest of the bytes that each stage serves."
  value       = { for stage, service in local.services : stage => service.digest }
}

output "versions" {
  description = "ID of the version that each stage serves. That of test is what to approve for prod."
  value       = { for stage, service in local.services : stage => service.version_id }
}

output "metrics" {
  description = "Metrics of the run that made the model."
  value       = module.dev.metrics
}

output "monitors" {
  description = "ID of each stage's monitor."
  value       = { for stage, service in local.services : stage => service.monitor_id }
}

output "environments" {
  description = "ID of each stage's environment."
  value       = { for stage, environment in module.environment : stage => environment.id }
}

output "baselines" {
  description = "Where the data is that each stage's live traffic is compared with."
  value       = { for stage, service in local.services : stage => service.baseline_uri }
}
