# An environment in a network of one's own, with a bucket and a role that the
# platform team made: what is brought is used, and neither changed nor removed.

variable "bucket" {
  description = "Name of the bucket; null makes one."
  type        = string
  default     = null
}

variable "execution_role_arn" {
  description = "ARN of the role that jobs and endpoints run as; null makes one with least privilege."
  type        = string
  default     = null
}

variable "network" {
  description = "Where jobs and endpoints are attached to; null leaves that to SageMaker."
  type        = object({ subnets = list(string), security_groups = list(string) })
  default     = null
}

module "prod" {
  source = "../.."

  name  = "brought-prod"
  stage = "prod"
  target = { sagemaker = {
    bucket             = var.bucket
    execution_role_arn = var.execution_role_arn
    subnets            = try(var.network.subnets, null)
    security_groups    = try(var.network.security_groups, null)
  } }
  budget = { monthly_usd = 500, emails = ["ml-on-call@example.com"] }

  # So that the example can be destroyed without a second thought.
  profile = { deletion_protection = false }
}

output "profile" {
  description = "What a stage stands for on SageMaker: no hours, and one step of a canary."
  value       = module.prod.profile
}
