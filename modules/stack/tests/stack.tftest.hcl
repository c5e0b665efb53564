# The whole way of a model through dev, test and prod on the embedded engine.

variables {
  name        = "tft-stack"
  credentials = {} # Terraform 1.11 applies no test that leaves an ephemeral variable out
  profiles = {
    dev  = { always_on = true }
    test = { always_on = true, rollout = { strategy = "all_at_once" } }
    prod = { deletion_protection = false, rollout = { strategy = "all_at_once" }, replicas = { min = 1, max = 1 } }
  }
  training = {
    steps = {
      train = {
        command = ["python3", "-c", file("../service/tests/fixtures/train.py")]
        outputs = ["model", "metrics", "train"]
        env     = { ANSWER = "{{params.answer}}", ACCURACY = "{{params.accuracy}}" }
      }
    }
    parameters = {
      answer   = { type = "integer", default = "1" }
      accuracy = { type = "number", default = "0.9" }
    }
    baseline = "train"
  }
  model   = { format = "custom", command = ["sh", "-c", "exec python3 \"$MODEL_PATH\""] }
  serving = { smoke_test = { request = "{\"instances\": [[41, 30000]]}" } }
  gates   = { test = { min = { accuracy = 0.8 } }, prod = { relative = { accuracy = 0 } } }
}

run "prod_waits_for_an_approval" {
  assert {
    condition     = length(output.urls) == 2 && output.digests["dev"] == output.digests["test"]
    error_message = "dev and test do not serve the same bytes, or prod serves unapproved ones"
  }
}

run "an_approval_brings_it_to_prod" {
  variables {
    approval = { by = "jane@example.com", version = "local/tft-stack-test/models/tft-stack/versions/1" }
  }

  assert {
    condition     = length(distinct(values(output.digests))) == 1 && length(output.urls) == 3
    error_message = "prod does not serve what was approved"
  }
  assert {
    condition     = module.prod[0].evidence.approved_by == "jane@example.com"
    error_message = "nobody can tell who approved it"
  }
}

run "prod_stays_until_the_next_approval" {
  variables {
    approval = { by = "jane@example.com", version = "local/tft-stack-test/models/tft-stack/versions/1" }
    training = {
      steps = {
        train = {
          command = ["python3", "-c", file("../service/tests/fixtures/train.py")]
          outputs = ["model", "metrics", "train"]
          env     = { ANSWER = "{{params.answer}}", ACCURACY = "{{params.accuracy}}" }
        }
      }
      parameters = {
        answer   = { type = "integer", default = "1" }
        accuracy = { type = "number", default = "0.9" }
      }
      values   = { answer = "2", accuracy = "0.85" }
      baseline = "train"
    }
  }

  assert {
    condition     = output.digests["test"] == output.digests["dev"] && output.digests["test"] != output.digests["prod"]
    error_message = "test did not follow dev, or prod followed without an approval"
  }
  assert {
    condition     = output.versions["prod"] == "local/tft-stack-prod/models/tft-stack/versions/1"
    error_message = "prod changed"
  }
}
