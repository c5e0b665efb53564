# One environment, and the profile of its stage: how large, how careful, how
# watched the services in it are.

locals {
  backend = one([for name, settings in var.target : name if settings != null])

  # A canary without requests to judge waits for them; in a stage that few people
  # use that would be for nothing.
  careful = { max_error_percent = 1, max_p95 = "1s", smoke_test = true }

  stages = {
    dev = {
      replicas            = { min = 1, max = 1 }
      capture_percent     = 100
      hours               = { up = "0 7 * * 1-5", down = "0 20 * * 1-5" }
      deletion_protection = false
      retention           = { runs = "168h", captures = "72h" }
      rollout             = { strategy = "all_at_once" }
      monitor             = { cron = "0 * * * *", window = "24h" }
      alerting            = false
    }
    test = {
      replicas            = { min = 1, max = 2 }
      capture_percent     = 100
      hours               = { up = "0 6 * * *", down = "0 22 * * *" }
      deletion_protection = false
      retention           = { runs = "720h", captures = "168h" }
      rollout             = { strategy = "blue_green", bake = "30s", gates = local.careful }
      monitor             = { cron = "*/30 * * * *", window = "24h" }
      alerting            = false
    }
    staging = {
      replicas            = { min = 1, max = 2 }
      capture_percent     = 50
      hours               = null
      deletion_protection = false
      retention           = { runs = "2160h", captures = "720h" }
      rollout             = { strategy = "canary", steps = [10, 50], bake = "2m", gates = local.careful }
      monitor             = { cron = "*/15 * * * *", window = "24h" }
      alerting            = true
    }
    prod = {
      replicas            = { min = 2, max = 8 }
      capture_percent     = 10
      hours               = null
      deletion_protection = true
      retention           = { runs = "8760h", captures = "2160h" }
      rollout             = { strategy = "canary", steps = [5, 25, 50], bake = "5m", gates = local.careful, keep_previous = "30m" }
      monitor             = { cron = "*/15 * * * *", window = "24h" }
      alerting            = true
    }
  }

  # What a platform has otherwise: SageMaker's canary has one step, its alarms need
  # minutes to judge one and send no requests, what a rollout replaced stays warm
  # before the apply is over, and what compares data there looks by the hour, in UTC.
  alarms = { max_error_percent = 1, max_p95 = "1s" }
  hourly = { cron = "0 * * * *", window = "24h", timezone = "Etc/UTC" }
  otherwise = {
    sagemaker = {
      dev     = { monitor = local.hourly }
      test    = { monitor = local.hourly, rollout = { strategy = "blue_green", bake = "5m", gates = local.alarms } }
      staging = { monitor = local.hourly, rollout = { strategy = "canary", steps = [10], bake = "10m", gates = local.alarms } }
      prod    = { monitor = local.hourly, rollout = { strategy = "canary", steps = [10], bake = "15m", gates = local.alarms, keep_previous = "5m" } }
    }
    kubernetes = { for stage, profile in local.stages : stage => {
      capture_percent = local.captures ? 100 : 0
      rollout = merge(profile.rollout, {
        keep_previous = local.warm[stage]
        gates         = profile.rollout.strategy == "all_at_once" ? null : local.figures
      })
    } }
  }

  # On a cluster, KServe's logger keeps every request or, where it has nowhere to write
  # to, none; gates are judged by figures that somebody has to have; and what a rollout
  # replaced stays warm before the apply is over, which has half an hour, unless Knative
  # runs the endpoints, which keeps nothing.
  cluster  = var.target.kubernetes
  captures = try(local.cluster.capture_url, null) != null || can(regex("^(s3|gs)://", local.cluster.storage_uri))
  measured = try(local.cluster.prometheus_url, null) != null
  knative  = try(local.cluster.endpoint_mode, null) == "knative"
  warm     = { dev = "0s", test = "0s", staging = local.knative ? "0s" : "2m", prod = local.knative ? "0s" : "5m" }
  figures = {
    max_error_percent = local.measured && try(local.cluster.metrics, null) != "kserve" ? local.careful.max_error_percent : null
    max_p95           = local.measured ? local.careful.max_p95 : null
    smoke_test        = local.careful.smoke_test
  }

  stage = merge(
    local.stages[var.stage],
    provider::mlops::supports(local.backend, "model_endpoint.schedule") ? {} : { hours = null },
    provider::mlops::supports(local.backend, "environment.retention") ? {} : { retention = null },
    try(local.otherwise[local.backend][var.stage], {}),
  )
  given = { for name, value in var.profile : name => value if value != null }
  mixed = { for name, value in local.stage : name => lookup(local.given, name, value) }

  profile = {
    replicas            = local.mixed.replicas
    capture_percent     = local.mixed.capture_percent
    hours               = try(local.given.always_on, false) ? null : local.mixed.hours
    timezone            = var.timezone
    deletion_protection = local.mixed.deletion_protection
    rollout             = local.mixed.rollout
    monitor             = local.mixed.monitor
    alerting            = local.mixed.alerting
  }
}

resource "mlops_environment" "this" {
  name  = var.name
  stage = var.stage

  local     = var.target.local
  sagemaker = var.target.sagemaker
  kubernetes = local.cluster == null ? null : merge(local.cluster, {
    storage_credentials = var.credentials.storage
  })
  registry = var.registry == null ? null : {
    mlflow = merge(var.registry.mlflow, { token = var.credentials.registry })
  }

  labels              = var.labels
  retention           = local.mixed.retention
  deletion_protection = local.profile.deletion_protection
  budget              = provider::mlops::supports(local.backend, "environment.budget") ? var.budget : null
}
