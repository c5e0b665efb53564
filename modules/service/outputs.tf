output "url" {
  description = "Where the endpoint answers."
  value       = mlops_model_endpoint.this.url
}

output "endpoint_id" {
  description = "ID of the endpoint."
  value       = mlops_model_endpoint.this.id
}

output "serving" {
  description = "What really answers, by variant: version, digest and traffic."
  value       = mlops_model_endpoint.this.serving
}

output "version_id" {
  description = "ID of the version that is served, once the endpoint serves it."
  value       = local.version.id

  depends_on = [mlops_model_endpoint.this]
}

output "digest" {
  description = "Digest of the bytes that are served."
  value       = local.version.digest
}

output "metrics" {
  description = "Metrics of the run that made the model; null where it was promoted."
  value       = local.trains ? data.mlops_pipeline_run.latest[0].metrics : null
}

output "baseline_uri" {
  description = "Where the data is that live traffic is compared with; for the promotion to another environment."
  value       = local.has_baseline ? mlops_dataset.baseline[0].kept_at : null
}

output "evidence" {
  description = "What the promotion rests on: who approved it, metrics, gates; null where the model was made here."
  value       = local.trains ? null : mlops_promotion.this[0].evidence
}

output "pipeline_id" {
  description = "ID of the pipeline; null where the model was promoted."
  value       = local.trains ? mlops_pipeline.this[0].id : null
}

output "monitor_id" {
  description = "ID of the monitor."
  value       = mlops_monitor.this.id
}
