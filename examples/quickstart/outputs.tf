output "urls" {
  description = "Where each stage answers."
  value       = { for stage, endpoint in mlops_model_endpoint.tumor : stage => endpoint.url }
}

output "metrics" {
  description = "How well the model did on data that it had not seen."
  value       = mlops_pipeline_run.train.metrics
}

output "digests" {
  description = "What each stage serves: the same bytes."
  value       = { for stage, version in local.versions : stage => version.digest }
}
