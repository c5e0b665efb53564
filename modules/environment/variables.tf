variable "name" {
  description = "Name of the environment, unique on its backend."
  type        = string
}

variable "stage" {
  description = "How far the environment is from users: dev, test, staging or prod. It decides every default of the profile."
  type        = string

  validation {
    condition     = contains(["dev", "test", "staging", "prod"], var.stage)
    error_message = "The stage is dev, test, staging or prod."
  }
}

variable "target" {
  description = "Where the environment is: an object with exactly one backend's name and its settings, such as { local = {} }, { sagemaker = { region = \"eu-central-1\" } } or { kubernetes = { cluster = \"lab\" } }."
  type = object({
    local = optional(object({ directory = optional(string) }))
    sagemaker = optional(object({
      region             = optional(string)
      bucket             = optional(string)
      execution_role_arn = optional(string)
      kms_key_arn        = optional(string)
      topic_arn          = optional(string)
      subnets            = optional(list(string))
      security_groups    = optional(list(string))
      network_isolation  = optional(bool)
    }))
    kubernetes = optional(object({
      cluster             = optional(string)
      namespace           = optional(string)
      quota               = optional(map(string))
      pod_security        = optional(string)
      network_policies    = optional(bool)
      egress              = optional(list(string))
      ingress_namespaces  = optional(list(string))
      service_account     = optional(string)
      storage_uri         = optional(string)
      storage_endpoint    = optional(string)
      storage_region      = optional(string)
      storage_secret      = optional(string)
      capture_url         = optional(string)
      step_image          = optional(string)
      workflow_controller = optional(string)
      endpoint_mode       = optional(string)
      gateway             = optional(string)
      endpoint_domain     = optional(string)
      prometheus_url      = optional(string)
      metrics             = optional(string)
      pushgateway_url     = optional(string)
      monitor_image       = optional(string)
      fetch_image         = optional(string)
    }))
  })
  default = { local = {} }
}

variable "registry" {
  description = "MLflow server that keeps models and their versions, where that is not the backend itself. On Kubernetes nothing else keeps them."
  type        = object({ mlflow = object({ uri = string, username = optional(string) }) })
  default     = null
}

variable "credentials" {
  description = "What is in no state and no plan: storage, the credentials of a cluster's storage_uri, such as { access_key_id = \"…\", secret_access_key = \"…\" }; registry, the registry's token."
  type        = object({ storage = optional(map(string)), registry = optional(string) })
  default     = {}
  nullable    = false
  sensitive   = true
  ephemeral   = true
}

variable "labels" {
  description = "Labels of the environment, and of what services make in it."
  type        = map(string)
  default     = {}
}

variable "budget" {
  description = "What the environment should cost at most, and who is told when it costs more. Left out where the backend has no budgets."
  type = object({
    monthly_usd    = number
    alert_percents = optional(list(number), [80, 100])
    emails         = optional(list(string), [])
  })
  default = null
}

variable "timezone" {
  description = "IANA time zone of the people who use the environment: the hours of the profile are meant in it."
  type        = string
  default     = "Etc/UTC"
}

variable "profile" {
  description = "What differs from the stage's defaults; see the table above. An attribute that is null keeps the default."
  type = object({
    replicas            = optional(object({ min = number, max = number }))
    capture_percent     = optional(number)
    hours               = optional(object({ up = string, down = string }))
    always_on           = optional(bool)
    deletion_protection = optional(bool)
    retention           = optional(object({ runs = string, captures = string }))
    rollout = optional(object({
      strategy      = string
      steps         = optional(list(number))
      increment     = optional(number)
      bake          = optional(string)
      keep_previous = optional(string)
      gates = optional(object({
        max_error_percent = optional(number)
        max_p50           = optional(string)
        max_p95           = optional(string)
        max_p99           = optional(string)
        min_requests      = optional(number)
        wait              = optional(string)
        smoke_test        = optional(bool)
      }))
    }))
    monitor  = optional(object({ cron = string, window = string, timezone = optional(string) }))
    alerting = optional(bool)
  })
  default = {}
}
