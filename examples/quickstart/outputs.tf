output "urls" {
  description = "Where each stage answers."
  value       = module.tumor.urls
}

output "metrics" {
  description = "How well the model did on data that it had not seen."
  value       = module.tumor.metrics
}

output "digests" {
  description = "What each stage serves: the same bytes."
  value       = module.tumor.digests
}

output "monitors" {
  description = "What watches each stage."
  value       = module.tumor.monitors
}

output "baseline" {
  description = "What live traffic in dev is compared with: tumors, with the model's answers."
  value       = module.tumor.baselines["dev"]
}
