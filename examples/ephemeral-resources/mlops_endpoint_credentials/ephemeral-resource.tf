resource "mlops_environment" "dev" {
  name  = "churn-dev"
  stage = "dev"
  local = {}
}

resource "mlops_model" "churn" {
  environment = mlops_environment.dev.id
  name        = "churn"
}

resource "mlops_model_version" "first" {
  model        = mlops_model.churn.id
  artifact_uri = "file://${abspath(path.module)}/champion.json"
  format       = "custom"
  command      = ["python3", "${abspath(path.module)}/serve.py"]
}

resource "mlops_model_endpoint" "churn" {
  environment = mlops_environment.dev.id
  name        = "churn"
  access      = "token"
  variants    = { champion = { version = mlops_model_version.first.id, traffic = 100 } }
}

ephemeral "mlops_endpoint_credentials" "churn" {
  endpoint = mlops_model_endpoint.churn.id
}

# The token goes to the client, and nowhere else. A write-only argument, such as
# that of a secret manager's secret, takes it as well.
resource "terraform_data" "client" {
  triggers_replace = [mlops_model_version.first.id]

  provisioner "local-exec" {
    command = "curl --fail --silent --header \"Authorization: Bearer $TOKEN\" --data '{\"instances\": [[3]]}' \"$URL\""
    environment = {
      URL   = ephemeral.mlops_endpoint_credentials.churn.url
      TOKEN = ephemeral.mlops_endpoint_credentials.churn.token
    }
  }
}
