# One service in one environment: what makes the model or brings it here, the
# model with its versions, the endpoint, and the monitor.

locals {
  trains  = var.training != null
  profile = var.environment.profile

  baseline_output = local.trains ? var.training.baseline : null
  has_baseline    = local.trains ? local.baseline_output != null : var.promotion.baseline != null

  version = local.trains ? mlops_model_version.trained[0] : mlops_promotion.this[0]
}

# --- the model is made here ---------------------------------------------------

resource "mlops_experiment" "this" {
  count = local.trains ? 1 : 0

  environment = var.environment.id
  name        = var.name
  labels      = var.environment.labels
}

resource "mlops_pipeline" "this" {
  count = local.trains ? 1 : 0

  environment = var.environment.id
  name        = "${var.name}-train"
  description = var.description
  experiment  = mlops_experiment.this[0].id
  parameters  = var.training.parameters
  steps       = var.training.steps
  schedule    = var.training.schedule
}

resource "mlops_pipeline_run" "this" {
  count = local.trains ? 1 : 0

  pipeline   = mlops_pipeline.this[0].id
  parameters = var.training.values
  triggers   = { code = mlops_pipeline.this[0].version }
}

# The newest run that succeeded is the one above, or one that a schedule or a
# violated monitor started since.
data "mlops_pipeline_run" "latest" {
  count = local.trains ? 1 : 0

  pipeline = mlops_pipeline.this[0].id
  status   = "succeeded"

  # Where a run is to be made, what is newest is known after it only.
  depends_on = [mlops_pipeline_run.this]
}

# --- the model and its versions -----------------------------------------------

resource "mlops_model" "this" {
  environment = var.environment.id
  name        = var.name
  description = var.description
  labels      = var.environment.labels
}

resource "mlops_model_version" "trained" {
  count = local.trains ? 1 : 0

  model    = mlops_model.this.id
  run      = data.mlops_pipeline_run.latest[0].id
  output   = var.training.model
  format   = var.model.format
  command  = var.model.command
  image    = var.model.image
  packages = var.model.packages
  approval = var.approval
  aliases  = ["champion"]
  labels   = var.environment.labels
}

resource "mlops_promotion" "this" {
  count = local.trains ? 0 : 1

  from        = var.promotion.from
  to          = mlops_model.this.id
  gates       = var.promotion.gates
  approved_by = var.promotion.approved_by
  aliases     = ["champion"]
  labels      = var.environment.labels
}

# --- the endpoint -------------------------------------------------------------

resource "mlops_model_endpoint" "this" {
  environment = var.environment.id
  name        = var.name
  description = var.description
  labels      = var.environment.labels

  variants = {
    champion = {
      version         = local.version.id
      traffic         = 100
      compute         = var.serving.compute
      env             = var.serving.env
      startup_timeout = var.serving.startup_timeout
      scaling = {
        min    = local.profile.replicas.min
        max    = local.profile.replicas.max
        target = one([for requests in local.concurrency[*] : { concurrency = requests }])
      }
    }
  }

  rollout             = local.rollout
  capture             = local.profile.capture_percent > 0 ? { sample_percent = local.profile.capture_percent } : null
  smoke_test          = var.serving.smoke_test
  access              = var.serving.access
  request_timeout     = var.serving.request_timeout
  deletion_protection = local.profile.deletion_protection
  schedule            = one([for hours in local.profile.hours[*] : { up = hours.up, down = hours.down, timezone = local.profile.timezone }])
}

locals {
  # A cluster scales by CPU by itself; by requests with KEDA alone, which is asked for.
  concurrency = var.environment.backend == "kubernetes" ? var.serving.concurrency : coalesce(var.serving.concurrency, 8)

  gates = try(local.profile.rollout.gates, null)

  # A gate that repeats the smoke test needs one.
  rollout = {
    strategy      = local.profile.rollout.strategy
    steps         = try(local.profile.rollout.steps, null)
    increment     = try(local.profile.rollout.increment, null)
    bake          = try(local.profile.rollout.bake, null)
    keep_previous = try(local.profile.rollout.keep_previous, null)
    gates = local.gates == null ? null : merge(local.gates, {
      smoke_test = var.serving.smoke_test != null && coalesce(try(local.gates.smoke_test, null), false)
    })
  }
}

# --- the monitor --------------------------------------------------------------

# What live traffic is compared with: kept in this environment, so that the
# monitor does not depend on another one.
resource "mlops_dataset" "baseline" {
  count = local.has_baseline ? 1 : 0

  environment = var.environment.id
  name        = "${var.name}-baseline"
  run         = local.trains ? mlops_model_version.trained[0].run : null
  output      = local.baseline_output
  uri         = local.trains ? null : var.promotion.baseline.uri
  format      = var.monitoring.baseline_format
  labels      = var.environment.labels
}

resource "mlops_monitor" "this" {
  endpoint = mlops_model_endpoint.this.id
  name     = var.name
  labels   = var.environment.labels
  schedule = { cron = local.profile.monitor.cron, timezone = coalesce(local.profile.monitor.timezone, local.profile.timezone) }
  window   = local.profile.monitor.window
  min_rows = var.monitoring.min_rows

  baseline = local.has_baseline ? {
    dataset    = mlops_dataset.baseline[0].id
    features   = var.monitoring.features
    prediction = var.monitoring.prediction
    label      = var.monitoring.label
  } : null

  data_drift       = local.has_baseline ? var.monitoring.data_drift : null
  prediction_drift = local.has_baseline ? var.monitoring.prediction_drift : null
  data_quality     = local.has_baseline ? var.monitoring.data_quality : null
  model_quality    = var.monitoring.model_quality
  bias             = var.monitoring.bias
  explainability   = local.has_baseline ? var.monitoring.explainability : null
  health           = var.monitoring.health

  alerts = local.profile.alerting ? var.alerts : null

  on_violation = var.retraining == null ? null : {
    pipeline      = mlops_pipeline.this[0].id
    parameters    = var.training.values
    cooldown      = var.retraining.cooldown
    max_per_month = var.retraining.max_per_month
  }
}
