variable "name" {
  description = "Name of the service. The environments are called <name>-dev, <name>-test and <name>-prod."
  type        = string
}

variable "description" {
  description = "What the service is for, in a sentence."
  type        = string
  default     = null
}

variable "targets" {
  description = "Where each stage is, such as { dev = { local = {} }, prod = { sagemaker = { region = \"eu-central-1\" } } }; see variable target of modules/environment. Stages may be on different backends. One that is not named is on the embedded engine."
  type        = object({ dev = optional(any, { local = {} }), test = optional(any, { local = {} }), prod = optional(any, { local = {} }) })
  default     = {}
}

variable "registries" {
  description = "By stage, the MLflow server that keeps its models; see variable registry of modules/environment. Stages may share a server."
  type        = object({ dev = optional(any), test = optional(any), prod = optional(any) })
  default     = {}
}

variable "credentials" {
  description = "By stage, what is in no state and no plan; see variable credentials of modules/environment."
  type = object({
    dev  = optional(object({ storage = optional(map(string)), registry = optional(string) }), {})
    test = optional(object({ storage = optional(map(string)), registry = optional(string) }), {})
    prod = optional(object({ storage = optional(map(string)), registry = optional(string) }), {})
  })
  default   = {}
  nullable  = false
  sensitive = true
  ephemeral = true
}

variable "profiles" {
  description = "By stage, what differs from its defaults; see variable profile of modules/environment."
  type        = object({ dev = optional(any, {}), test = optional(any, {}), prod = optional(any, {}) })
  default     = {}
}

variable "budgets" {
  description = "By stage, what it should cost at most; see variable budget of modules/environment."
  type        = object({ dev = optional(any), test = optional(any), prod = optional(any) })
  default     = {}
}

variable "labels" {
  description = "Labels of all that is made."
  type        = map(string)
  default     = {}
}

variable "timezone" {
  description = "IANA time zone of the people who use the service."
  type        = string
  default     = "Etc/UTC"
}

variable "training" {
  description = "How the model is made, in dev; see variable training of modules/service."
  type        = any
}

variable "model" {
  description = "Format of the model, and what its server needs; see variable model of modules/service."
  type        = any
}

variable "serving" {
  description = "What each replica needs, and how endpoints behave; see variable serving of modules/service."
  type        = any
  default     = {}
}

variable "monitoring" {
  description = "What is watched; see variable monitoring of modules/service."
  type        = any
  default     = { health = { max_error_percent = 1 } }
}

variable "retraining" {
  description = "How often a violated monitor in dev may start the pipeline again; null never does."
  type        = object({ cooldown = optional(string), max_per_month = optional(number) })
  default     = null
}

variable "alerts" {
  description = "Who is told of violations, in stages that alert."
  type        = object({ webhook_url = optional(string), emails = optional(list(string)) })
  default     = null
  sensitive   = true
}

variable "gates" {
  description = "What a version must pass on its way to test and to prod; see attribute gates of mlops_promotion."
  type        = object({ test = optional(any), prod = optional(any) })
  default     = {}
}

variable "approval" {
  description = "Who approved what for prod. Without it prod is an environment without a service. Without a version, prod follows whatever test serves; with one, it stays there until another is approved."
  type        = object({ by = string, version = optional(string) })
  default     = null
}
