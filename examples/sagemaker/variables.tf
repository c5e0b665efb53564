variable "region" {
  description = "Region of dev and test; null is that of the credentials' profile, or AWS_REGION."
  type        = string
  default     = null
}

variable "prod_region" {
  description = "Region of prod, where it is another."
  type        = string
  default     = null
}

variable "trees" {
  description = "How many trees the forest has. Change it and apply again: only what follows from it changes."
  type        = number
  default     = 100
}

variable "on_call" {
  description = "Who is told when prod is ill, or dear. SNS asks each address to confirm first."
  type        = string
  default     = "ml-on-call@example.com"
}

variable "approval" {
  description = "Who approved what for prod: version is one of `terraform output versions`. Until then prod is an environment without a service."
  type        = object({ by = string, version = string })
  default     = null
}

variable "protected" {
  description = "Whether prod is protected against deletion. To destroy the example, apply with false first."
  type        = bool
  default     = true
}
