resource "mlops_model_endpoint" "churn" {
  environment = "local/churn-dev"
  name        = "churn"
  variants    = { champion = { version = "local/churn-dev/models/churn/versions/3", traffic = 100 } }

  # Asks what was deployed a question, after each change of it.
  lifecycle {
    action_trigger {
      events  = [after_create, after_update]
      actions = [action.mlops_invoke_endpoint.smoke]
    }
  }
}

action "mlops_invoke_endpoint" "smoke" {
  config {
    endpoint      = mlops_model_endpoint.churn.id
    request       = jsonencode({ instances = [[0.1, 0.2]] })
    expect_status = 200
  }
}
