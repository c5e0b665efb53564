# What differs by stage, and that what is given goes before it.

variables {
  name        = "tft-environment"
  credentials = {} # Terraform 1.11 applies no test that leaves an ephemeral variable out
}

run "dev_sleeps_at_night_and_can_be_destroyed" {
  command = plan

  variables {
    stage = "dev"
  }

  assert {
    condition     = output.profile.hours.down == "0 20 * * 1-5"
    error_message = "dev does not sleep at night"
  }
  assert {
    condition     = !mlops_environment.this.deletion_protection
    error_message = "dev is protected"
  }
  assert {
    condition     = output.profile.replicas.max == 1 && output.profile.rollout.strategy == "all_at_once" && !output.profile.alerting
    error_message = "dev is not small, quick and quiet"
  }
}

run "prod_is_on_protected_and_careful" {
  command = plan

  variables {
    stage = "prod"
  }

  assert {
    condition     = output.profile.hours == null && output.profile.replicas.min == 2
    error_message = "prod is not always on, with two replicas"
  }
  assert {
    condition     = mlops_environment.this.deletion_protection && output.profile.deletion_protection
    error_message = "prod is not protected"
  }
  assert {
    condition     = output.profile.rollout.strategy == "canary" && output.profile.rollout.gates.max_error_percent == 1 && output.profile.alerting
    error_message = "prod does not roll out by canary, or tells nobody"
  }
}

run "what_is_given_goes_before_the_stage" {
  command = plan

  variables {
    stage   = "prod"
    profile = { deletion_protection = false, replicas = { min = 3, max = 3 } }
  }

  assert {
    condition     = !mlops_environment.this.deletion_protection && output.profile.replicas.min == 3
    error_message = "the profile that was given is not in force"
  }
  assert {
    condition     = output.profile.rollout.strategy == "canary"
    error_message = "what was not given is not the stage's any more"
  }
}

run "always_on_wakes_dev" {
  command = plan

  variables {
    stage   = "dev"
    profile = { always_on = true }
  }

  assert {
    condition     = output.profile.hours == null
    error_message = "dev still sleeps"
  }
}

run "an_unknown_stage_is_refused" {
  command = plan

  variables {
    stage = "production"
  }

  expect_failures = [var.stage]
}

run "it_is_made" {
  variables {
    stage  = "test"
    labels = { team = "ml" }
  }

  assert {
    condition     = output.environment.id == "local/tft-environment" && mlops_environment.this.retention.runs == "720h"
    error_message = "the environment is not what was asked for"
  }
}
