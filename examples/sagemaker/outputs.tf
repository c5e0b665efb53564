output "urls" {
  description = "Where each stage answers; requests are signed with AWS credentials."
  value       = module.tumor.urls
}

output "metrics" {
  description = "How well the model did on data that it had not seen."
  value       = module.tumor.metrics
}

output "versions" {
  description = "What each stage serves; that of test is what to approve for prod."
  value       = module.tumor.versions
}

output "digests" {
  description = "Digest of the bytes that each stage serves."
  value       = module.tumor.digests
}
