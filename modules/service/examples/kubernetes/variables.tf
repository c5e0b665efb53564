variable "name" {
  description = "Name of the environment, which its namespace has too."
  type        = string
  default     = "wine-dev"
}

variable "stage" {
  description = "How far it is from users: dev, test, staging or prod."
  type        = string
  default     = "dev"
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

variable "storage_uri" {
  description = "Bucket for what endpoints capture."
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
