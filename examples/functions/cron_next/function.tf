locals {
  nightly = { cron = "0 3 * * *", timezone = "Australia/Sydney" }
}

output "next_training" {
  # "2026-02-01T03:00:00+11:00"
  value = provider::mlops::cron_next(local.nightly.cron, local.nightly.timezone, "2026-01-31T00:00:00Z")
}
