# Rules of Prometheus: its own Alertmanager tells whom it tells of everything else.
resource "mlops_monitor" "tumor" {
  endpoint = mlops_model_endpoint.tumor.id
  name     = "tumor"
  schedule = { cron = "*/15 * * * *" }
  health   = { max_error_percent = 1, max_p95 = "500ms" }
}
