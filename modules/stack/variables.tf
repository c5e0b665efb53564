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
  description = "Where each stage is, such as { dev = { local = {} }, prod = { sagemaker = { region = \"eu-central-1\" } } }. Stages may be on different backends. One that is not named is on the embedded engine."
  type = object({
    dev = optional(object({
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
    }), { local = {} })
    test = optional(object({
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
    }), { local = {} })
    prod = optional(object({
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
    }), { local = {} })
  })
  default = {}
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
