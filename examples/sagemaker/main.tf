# One service on Amazon SageMaker in three stages: dev trains a model on real data;
# test and prod serve the very same bytes, each at its own size and with its own care.

module "tumor" {
  source = "../../modules/stack"

  name        = "tumor"
  description = "Tells benign from malignant tumors by 30 measurements of cell nuclei."
  labels      = { example = "sagemaker" }

  targets = {
    dev  = { sagemaker = { region = var.region } }
    test = { sagemaker = { region = var.region } }
    prod = { sagemaker = { region = var.prod_region == null ? var.region : var.prod_region } }
  }
  budgets = { prod = { monthly_usd = 500, emails = [var.on_call] } }

  training = {
    parameters = {
      trees = { type = "integer", default = "100", description = "How many trees the forest has." }
    }
    values = { trees = tostring(var.trees) }
    steps = {
      train = {
        script   = file("${path.module}/train.py")
        packages = ["scikit-learn==1.7.2", "pandas==2.3.3", "joblib==1.5.2"]
        env      = { TREES = "{{params.trees}}" }
        outputs  = ["model", "metrics", "answered"]
        # The cheapest machine type that has them, of what others leave unused.
        compute = { cpu = 2, memory = "4Gi", spot = true }
        retry   = { attempts = 2, backoff = "10s" }
        timeout = "30m"
      }
    }
    schedule = { cron = "0 3 * * 0" } # every Sunday; the next apply takes the new model up
    baseline = "answered"
  }

  model = { format = "sklearn" }
  serving = {
    compute = { native = "ml.m5.large" }
    # A version that does not answer this gets no traffic; the one before it stays.
    smoke_test = { request = file("${path.module}/sample.json") }
  }

  # What a version must show on its way: a floor for test, and for prod to be no
  # worse than what prod serves.
  gates = {
    test = { min = { accuracy = 0.9, malignant_recall = 0.85 } }
    prod = { relative = { accuracy = 1 } }
  }
  approval = var.approval

  # CloudWatch watches each variant all the time. Checks of the data need SageMaker
  # Model Monitor, which AWS opens to accounts that used it before.
  monitoring = { health = { max_error_percent = 1, max_p95 = "500ms" } }
  alerts     = { emails = [var.on_call] }

  profiles = {
    dev  = {}
    test = { replicas = { min = 1, max = 1 } }
    prod = { replicas = { min = 2, max = 4 }, deletion_protection = var.protected }
  }
}
