variable "approver" {
  type = string
}

action "mlops_approve_version" "candidate" {
  config {
    version  = "local/churn-test/models/churn/versions/3"
    approval = "approved"
    by       = var.approver
  }
}

# terraform apply -invoke=action.mlops_approve_version.candidate -var approver=jane@example.com
