output "id" {
  description = "ID of the environment."
  value       = mlops_environment.this.id
}

output "environment" {
  description = "What modules/service needs to know of the environment: its ID, stage, labels and profile."
  value = {
    id      = mlops_environment.this.id
    stage   = mlops_environment.this.stage
    backend = local.backend
    labels  = var.labels
    profile = local.profile
  }
}

output "profile" {
  description = "The profile in force: the stage's defaults with what was given for them."
  value       = local.profile
}
