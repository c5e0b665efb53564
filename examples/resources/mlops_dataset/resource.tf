resource "mlops_environment" "dev" {
  name  = "churn-dev"
  stage = "dev"
  local = {}
}

resource "mlops_dataset" "customers" {
  environment = mlops_environment.dev.id
  name        = "customers"
  uri         = "${path.module}/customers.csv"

  schema = {
    age     = { type = "integer", required = true }
    country = { type = "string" }
    spent   = { type = "number" }
  }

  # Data that break one of these do not get in: the plan says which rows do.
  checks = {
    min_rows            = 10
    max_missing_percent = 5
    columns = {
      age     = { min = 18, max = 120 }
      country = { values = ["at", "au", "de"] }
    }
  }
}

# A step that reads the dataset, as it is when the run starts.
resource "mlops_pipeline" "count" {
  environment = mlops_environment.dev.id
  name        = "count"
  steps = {
    count = {
      command = ["sh", "-c", "echo \"{\\\"rows\\\": $(wc -l < \"$MLOPS_INPUT_TABLE\")}\" > $MLOPS_OUTPUT_METRICS"]
      inputs  = { table = "{{datasets.${mlops_dataset.customers.name}}}" }
      outputs = ["metrics"]
    }
  }
}

output "ages" {
  value = mlops_dataset.customers.statistics["age"]
}
