# One service, from data to answers, in three stages: dev trains a model on real
# data; test and prod serve the very same bytes, each at its own size and with its
# own care. modules/stack has all of it; here is what is this service's own.

locals {
  packages = ["scikit-learn==1.7.2", "pandas==2.3.3", "joblib==1.5.2"]
}

module "tumor" {
  source = "../../modules/stack"

  name        = "tumor"
  description = "Tells benign from malignant tumors by 30 measurements of cell nuclei."
  labels      = { example = "quickstart" }

  # The embedded engine; another backend is a change of these lines.
  targets = { dev = { local = {} }, test = { local = {} }, prod = { local = {} } }

  training = {
    parameters = {
      trees = { type = "integer", default = "100", description = "How many trees the forest has." }
    }
    values = { trees = tostring(var.trees) }
    steps = {
      prepare = {
        script   = file("${path.module}/prepare.py")
        packages = local.packages
        outputs  = ["train", "test"]
      }
      train = {
        script   = file("${path.module}/train.py")
        packages = local.packages
        inputs = {
          train = "{{steps.prepare.outputs.train}}"
          test  = "{{steps.prepare.outputs.test}}"
        }
        env     = { TREES = "{{params.trees}}" }
        outputs = ["model", "metrics", "answered"]
        compute = { cpu = 1, memory = "1Gi" }
        retry   = { attempts = 2, backoff = "5s" }
        timeout = "10m"
      }
    }
    baseline = "answered"
  }

  model = { format = "sklearn" }
  serving = {
    compute = { cpu = 1, memory = "1Gi" }
    # A version that does not answer this gets no traffic; the one before it stays.
    smoke_test = { request = file("${path.module}/sample.json") }
  }

  # What a version must show on its way: a floor for test, and for prod to be no
  # worse than what prod serves.
  gates = {
    test = { min = { accuracy = 0.9, malignant_recall = 0.85 } }
    prod = { relative = { accuracy = 1 } }
  }
  approval = { by = "whoever ran the quickstart" } # without a version: whatever test serves

  monitoring = {
    label            = "target"
    data_drift       = { statistic = "psi", threshold = 0.2 }
    prediction_drift = { statistic = "js", threshold = 0.1 }
    data_quality     = { max_missing_percent = 1, max_range_percent = 5 }
    health           = { max_error_percent = 1 }
  }
  retraining = { cooldown = "24h", max_per_month = 4 }

  # Small enough for one machine, awake at any hour, quick to change, and easy to
  # remove again.
  profiles = {
    dev  = { always_on = true }
    test = { always_on = true, rollout = local.quick }
    prod = { deletion_protection = false, rollout = local.quick, capture_percent = 100 }
  }
}

locals {
  quick = {
    strategy = "canary"
    steps    = [50]
    bake     = "3s"
    gates    = { max_error_percent = 1, smoke_test = true }
  }
}
