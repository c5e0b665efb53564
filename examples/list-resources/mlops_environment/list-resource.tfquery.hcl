list "mlops_environment" "all" {
  provider = mlops

  config {
    backend = "local"
  }
}
