# One service in three stages: dev trains, test and prod serve the very same
# bytes, each at its own size and with its own care.

locals {
  has_baseline = try(var.training.baseline, null) != null
}

module "environment" {
  source   = "../environment"
  for_each = toset(["dev", "test", "prod"])

  name        = "${var.name}-${each.key}"
  stage       = each.key
  target      = var.targets[each.key]
  registry    = var.registries[each.key]
  credentials = var.credentials[each.key]
  profile     = var.profiles[each.key]
  budget      = var.budgets[each.key]
  labels      = var.labels
  timezone    = var.timezone
}

module "dev" {
  source = "../service"

  environment = module.environment["dev"].environment
  name        = var.name
  description = var.description
  training    = var.training
  model       = var.model
  serving     = var.serving
  monitoring  = var.monitoring
  retraining  = var.retraining
  alerts      = var.alerts
}

module "test" {
  source = "../service"

  environment = module.environment["test"].environment
  name        = var.name
  description = var.description
  promotion = {
    from     = module.dev.version_id
    gates    = var.gates.test
    baseline = local.has_baseline ? { uri = module.dev.baseline_uri } : null
  }
  model      = var.model
  serving    = var.serving
  monitoring = var.monitoring
  alerts     = var.alerts
}

# Nothing reaches prod that nobody has approved.
module "prod" {
  source = "../service"
  count  = var.approval == null ? 0 : 1

  environment = module.environment["prod"].environment
  name        = var.name
  description = var.description
  promotion = {
    from        = var.approval.version == null ? module.test.version_id : var.approval.version
    gates       = merge(var.gates.prod, { approval = true })
    approved_by = var.approval.by
    baseline    = local.has_baseline ? { uri = module.test.baseline_uri } : null
  }
  model      = var.model
  serving    = var.serving
  monitoring = var.monitoring
  alerts     = var.alerts
}
