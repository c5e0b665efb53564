# Prod serves what was approved, by version: `terraform output versions` shows what
# test serves, and the approval is a change of this file.

variable "approved_version" {
  description = "ID of the version that prod serves, such as \"local/greeter-test/models/greeter/versions/1\"; null while nothing is approved."
  type        = string
  default     = null
}

module "greeter" {
  source = "../.."

  name        = "greeter"
  description = "Greets whoever asks."

  training = {
    steps    = { train = { script = file("${path.module}/../../../service/examples/custom-server/train.py"), outputs = ["model", "metrics", "questions"] } }
    baseline = "questions"
  }
  model   = { format = "custom", command = ["sh", "-c", "exec python3 \"$MODEL_PATH\""] }
  serving = { smoke_test = { request = jsonencode({ instances = [[6, 9]] }) } }
  gates   = { test = { min = { accuracy = 0.9 } } }

  approval = var.approved_version == null ? null : { by = "jane@example.com", version = var.approved_version }

  profiles = {
    dev  = { always_on = true }
    test = { always_on = true, rollout = { strategy = "blue_green", bake = "2s" } }
    prod = { deletion_protection = false, rollout = { strategy = "canary", steps = [50], bake = "2s" } }
  }
}

output "versions" {
  description = "What each stage serves; that of test is what to approve."
  value       = module.greeter.versions
}
