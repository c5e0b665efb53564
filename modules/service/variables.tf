variable "environment" {
  description = "The environment that the service is in: output `environment` of modules/environment."
  type = object({
    id      = string
    stage   = string
    backend = string
    labels  = map(string)
    profile = object({
      replicas            = object({ min = number, max = number })
      capture_percent     = number
      hours               = optional(object({ up = string, down = string }))
      timezone            = string
      deletion_protection = bool
      rollout             = any
      monitor             = object({ cron = string, window = string, timezone = optional(string) })
      alerting            = bool
    })
  })
}

variable "name" {
  description = "Name of the service: of its model, endpoint, dataset, experiment and monitor."
  type        = string
}

variable "description" {
  description = "What the service is for, in a sentence."
  type        = string
  default     = null
}

variable "training" {
  description = "How the model is made, where it is made here: the pipeline's steps and parameters, and which outputs hold the model and the data that it was trained on. Give either this or promotion."
  type = object({
    steps = map(object({
      script   = optional(string)
      command  = optional(list(string))
      image    = optional(string)
      packages = optional(list(string))
      inputs   = optional(map(string))
      outputs  = optional(set(string))
      env      = optional(map(string))
      after    = optional(set(string))
      compute = optional(object({
        cpu         = optional(number)
        memory      = optional(string)
        accelerator = optional(object({ type = optional(string), memory = optional(string), count = optional(number) }))
        native      = optional(string)
        disk        = optional(string)
        spot        = optional(bool)
      }))
      retry   = optional(object({ attempts = number, backoff = optional(string) }))
      timeout = optional(string)
      cache   = optional(bool)
    }))
    parameters = optional(map(object({ type = string, default = optional(string), description = optional(string) })), {})
    values     = optional(map(string), {})
    schedule   = optional(object({ cron = string, timezone = optional(string) }))
    model      = optional(string, "model")
    baseline   = optional(string)
  })
  default = null

  validation {
    condition     = (var.training == null) != (var.promotion == null)
    error_message = "Give exactly one of training, where the model is made here, and promotion, where it comes from another environment."
  }
}

variable "promotion" {
  description = "Where the model comes from, where it is not made here: the version to take, the gates it must pass, who approved it, and the data that live traffic is compared with."
  type = object({
    from        = string
    gates       = optional(any)
    approved_by = optional(string)
    baseline    = optional(object({ uri = string }))
  })
  default = null
}

variable "approval" {
  description = "Whether a version that is made here may serve: pending, approved or rejected. A prod environment serves approved versions only."
  type        = string
  default     = "approved"
}

variable "model" {
  description = "Format of the model, and what its server needs: the command of a server of format custom, or on platforms that run containers its image, and packages where those of the training are not enough."
  type = object({
    format   = string
    command  = optional(list(string))
    image    = optional(string)
    packages = optional(list(string))
  })
}

variable "serving" {
  description = "What each replica needs, and how the endpoint behaves. Replicas, hours, capture and rollout come from the environment's profile. Without concurrency a replica has 8 requests in flight; on Kubernetes it scales by CPU, and with it by KEDA."
  type = object({
    compute = optional(object({
      cpu         = optional(number)
      memory      = optional(string)
      accelerator = optional(object({ type = optional(string), memory = optional(string), count = optional(number) }))
      native      = optional(string)
      disk        = optional(string)
    }))
    env             = optional(map(string))
    concurrency     = optional(number)
    startup_timeout = optional(string)
    request_timeout = optional(string)
    access          = optional(string)
    smoke_test      = optional(object({ request = string, expect_status = optional(number) }))
  })
  default = {}
}

variable "monitoring" {
  description = "What is watched. Drift, data quality and explainability need a baseline; model_quality needs the truth, posted to the endpoint or at a URI. When it looks comes from the environment's profile."
  type = object({
    baseline_format  = optional(string, "csv")
    features         = optional(list(string))
    prediction       = optional(string)
    label            = optional(string)
    min_rows         = optional(number)
    data_drift       = optional(object({ statistic = optional(string), threshold = optional(number), max_drifted_percent = optional(number) }))
    prediction_drift = optional(object({ statistic = optional(string), threshold = optional(number) }))
    data_quality     = optional(object({ max_missing_percent = optional(number), max_type_percent = optional(number), max_range_percent = optional(number), max_category_percent = optional(number) }))
    model_quality    = optional(object({ task = string, min = optional(map(number)), max = optional(map(number)), ground_truth_uri = optional(string), positive = optional(string), delay = optional(string) }))
    bias             = optional(object({ group = string, statistic = string, threshold = number, favorable = optional(string) }))
    explainability   = optional(object({ samples = optional(number), min_ndcg = optional(number) }))
    health           = optional(object({ max_error_percent = optional(number), max_p50 = optional(string), max_p95 = optional(string), max_p99 = optional(string), min_requests = optional(number) }))
  })
  default = { health = { max_error_percent = 1 } }
}

variable "retraining" {
  description = "How often a violated monitor may start the pipeline again. The run that it makes is taken up by the next apply. Null never starts it. Only where the model is made here."
  type        = object({ cooldown = optional(string), max_per_month = optional(number) })
  default     = null

  validation {
    condition     = var.retraining == null || var.training != null
    error_message = "Only an environment that trains can train again; leave retraining out, or give training."
  }
}

variable "alerts" {
  description = "Who is told of violations, in stages whose profile has alerting."
  type        = object({ webhook_url = optional(string), emails = optional(list(string)) })
  default     = null
  sensitive   = true
}
