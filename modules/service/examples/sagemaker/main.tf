# A service whose model is served by an image of one's own, watched by SageMaker
# Model Monitor, and trained again when its data drifts.

module "dev" {
  source = "../../../environment"

  name   = "answers-dev"
  stage  = "dev"
  target = { sagemaker = {} }
}

variable "image" {
  description = "Image that answers POST /invocations and GET /ping on port 8080, and finds the model's bytes below /opt/ml/model."
  type        = string
  default     = "123456789012.dkr.ecr.us-east-1.amazonaws.com/answers:1"
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
  model   = { format = "custom", image = var.image }
  serving = { compute = { cpu = 1, memory = "2Gi" }, smoke_test = { request = jsonencode({ instances = [[6, 9]] }) } }
  monitoring = {
    data_drift   = { statistic = "ks", threshold = 0.2 } # the one that Model Monitor has
    data_quality = { max_missing_percent = 1 }
    health       = { max_error_percent = 1 }
  }
  retraining = {} # at each violation: EventBridge counts nothing
}

output "url" {
  description = "Where it answers; requests are signed with AWS credentials."
  value       = module.answer.url
}
