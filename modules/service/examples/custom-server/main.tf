# A service whose model is a server of its own, trained by plain Python: no
# packages, a few seconds.

module "dev" {
  source = "../../../environment"

  name    = "custom-dev"
  stage   = "dev"
  profile = { always_on = true }
}

module "answer" {
  source = "../.."

  environment = module.dev.environment
  name        = "answer"
  description = "Answers every question alike."

  training = {
    steps = {
      train = {
        script  = file("${path.module}/train.py")
        outputs = ["model", "metrics", "questions"]
      }
    }
    baseline = "questions"
  }
  model   = { format = "custom", command = ["sh", "-c", "exec python3 \"$MODEL_PATH\""] }
  serving = { smoke_test = { request = jsonencode({ instances = [[6, 9]] }) } }
  monitoring = {
    data_drift = { statistic = "psi", threshold = 0.2 }
    health     = { max_error_percent = 1 }
  }
  retraining = { cooldown = "24h", max_per_month = 4 }
}

output "url" {
  description = "Where it answers."
  value       = module.answer.url
}
