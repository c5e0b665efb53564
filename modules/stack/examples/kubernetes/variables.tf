variable "name" {
  description = "Name of the service. Its namespaces are <name>-dev, <name>-test and <name>-prod."
  type        = string
  default     = "wine"
}

variable "context" {
  description = "Context of the kubeconfig."
  type        = string
  default     = "lab"
}

variable "gateway" {
  description = "Gateway that endpoints are reached through, as namespace/name. Its listener has to take routes of all namespaces."
  type        = string
  default     = "istio-system/public"
}

variable "prometheus_url" {
  description = "Prometheus server that has the figures of an Istio gateway."
  type        = string
  default     = "https://prometheus.example.com"
}

variable "pushgateway_url" {
  description = "Prometheus Pushgateway that jobs send their figures to, for alerts on data; null for none."
  type        = string
  default     = null
}

variable "storage_uri" {
  description = "Bucket for what endpoints capture; each stage has a folder of its own."
  type        = string
  default     = "s3://models/wine"
}

variable "storage_credentials" {
  description = "Who reads and writes there: access_key_id and secret_access_key. They are in no state and no plan. Null where the cluster's nodes have access by themselves."
  type        = map(string)
  default     = null
  sensitive   = true
  ephemeral   = true
}

variable "mlflow" {
  description = "MLflow server for models and for what steps write, and who asks."
  type        = object({ uri = string, username = optional(string) })
  default     = { uri = "https://mlflow.example.com" }
}

variable "mlflow_token" {
  description = "Password of that user. It is in no state and no plan."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true
}

variable "webhook_url" {
  description = "Of the chat that is told when prod does not do well; null for nobody. Needs pushgateway_url."
  type        = string
  default     = null
  sensitive   = true
}

variable "trees" {
  description = "How many trees the forest has. Change it and apply again: dev trains, and test follows."
  type        = number
  default     = 100
}

variable "approval" {
  description = "Who approved which version for prod; null while nothing is approved."
  type        = object({ by = string, version = optional(string) })
  default     = null
}

variable "profiles" {
  description = "By stage, what differs from its defaults. Prod is not protected here, so that the example can be destroyed without a second thought."
  type        = object({ dev = optional(any, {}), test = optional(any, {}), prod = optional(any, {}) })
  default     = { prod = { deletion_protection = false } }
}
