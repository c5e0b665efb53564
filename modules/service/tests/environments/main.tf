# The environment that the test of the service is in.

module "dev" {
  source = "../../../environment"

  name    = "tft-service-dev"
  stage   = "dev"
  profile = { always_on = true }
}

output "dev" {
  value = module.dev.environment
}
