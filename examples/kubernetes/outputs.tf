output "url" {
  description = "Where the model answers."
  value       = mlops_model_endpoint.tumor.url
}

output "metrics" {
  description = "How well the model did on data that it had not seen."
  value       = mlops_pipeline_run.train.metrics
}

output "version" {
  description = "What is served, and by which servers of KServe."
  value       = { id = mlops_model_version.tumor.id, digest = mlops_model_version.tumor.digest, native = mlops_model_endpoint.tumor.native }
}
