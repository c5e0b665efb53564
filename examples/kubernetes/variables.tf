variable "context" {
  description = "Context of the kubeconfig. KServe, Argo Workflows, the Gateway API and the Prometheus operator have to be installed there; a plan says what is missing, and how to install it."
  type        = string
}

variable "gateway" {
  description = "Gateway that endpoints are reached through, as namespace/name. Its listener has to take routes of all namespaces."
  type        = string
  default     = "istio-system/public"
}

variable "prometheus_url" {
  description = "Prometheus server that has the figures of an Istio gateway."
  type        = string
}

variable "storage_uri" {
  description = "Bucket for what endpoints capture."
  type        = string
  default     = "s3://models/tumor"
}

variable "storage_credentials" {
  description = "Who reads and writes there: access_key_id and secret_access_key. They are in no state and no plan, and in a secret of the namespace. A cluster that has access by itself (IRSA, Workload Identity) has a service account of yours instead."
  type        = map(string)
  sensitive   = true
  ephemeral   = true
}

variable "mlflow" {
  description = "MLflow server for models and for what steps write, and who asks."
  type        = object({ uri = string, username = optional(string) })
}

variable "mlflow_token" {
  description = "Password of that user. It is in no state and no plan."
  type        = string
  sensitive   = true
  ephemeral   = true
  default     = null
}

variable "trees" {
  description = "How many trees the forest has. Change it and apply again: only what follows from it changes."
  type        = number
  default     = 100
}
