resource "mlops_environment" "dev" {
  name  = "churn-dev"
  stage = "dev"
  local = {}
}

resource "mlops_pipeline" "train" {
  environment = mlops_environment.dev.id
  name        = "churn-train"
  description = "Draws customers, fits a threshold on them, and describes it if it is good."

  parameters = {
    customers = { type = "integer", default = 500, description = "How many customers to draw." }
    describe  = { type = "boolean", default = true, description = "Whether a good model is described." }
  }

  steps = {
    prepare = {
      # Each output is a path to write to, each input a path to read from; a
      # script finds them in its environment.
      script  = <<-PYTHON
        import csv, os, random
        random.seed(7)
        with open(os.environ["MLOPS_OUTPUT_TABLE"], "w", newline="") as f:
            rows = csv.writer(f)
            for _ in range(int(os.environ["CUSTOMERS"])):
                months = random.randint(0, 60)
                rows.writerow([months, int(random.random() < 1 / (1 + months / 6))])
      PYTHON
      env     = { CUSTOMERS = "{{params.customers}}" }
      outputs = ["table"]
    }

    train = {
      script  = <<-PYTHON
        import csv, json, os
        with open(os.environ["MLOPS_INPUT_TABLE"], newline="") as f:
            rows = [(int(months), churned == "1") for months, churned in csv.reader(f)]
        def accuracy(limit):
            return sum((months < limit) == churned for months, churned in rows) / len(rows)
        best = max(range(61), key=accuracy)
        with open(os.environ["MLOPS_OUTPUT_MODEL"], "w") as f:
            json.dump({"churns_below_months": best}, f)
        # An output named metrics is read back into the run's metrics.
        with open(os.environ["MLOPS_OUTPUT_METRICS"], "w") as f:
            json.dump({"accuracy": accuracy(best)}, f)
      PYTHON
      inputs  = { table = "{{steps.prepare.outputs.table}}" }
      outputs = ["model", "metrics"]
      compute = { cpu = 1, memory = "512Mi" }
      retry   = { attempts = 3, backoff = "10s" }
      timeout = "10m"
    }

    describe = {
      script  = <<-PYTHON
        import json, os
        with open(os.environ["MLOPS_INPUT_MODEL"]) as f:
            months = json.load(f)["churns_below_months"]
        with open(os.environ["MLOPS_OUTPUT_CARD"], "w") as f:
            f.write(f"Customers of less than {months} months are said to leave.")
      PYTHON
      inputs  = { model = "{{steps.train.outputs.model}}" }
      outputs = ["card"]
      # Else the step is skipped, with all that need it, and the run succeeds
      # without it.
      when = ["{{params.describe}} == true", "{{steps.train.metrics.accuracy}} >= 0.6"]
    }
  }

  # Every night, also when daylight saving begins or ends.
  schedule = { cron = "0 3 * * *", timezone = "Australia/Sydney" }
}
