package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"
)

// awsService is a whole service as users write it, but that the model waits for the
// run: nothing that takes time on SageMaker happens beside something else.
const awsService = providerHead + `
resource "mlops_environment" "e" {
  name      = "bench"
  stage     = "dev"
  sagemaker = {}
}
resource "mlops_pipeline" "train" {
  environment = mlops_environment.e.id
  name        = "train"
  steps = {
    train = {
      command = ["sh", "-c", "echo done"]
      image   = "` + awsImage + `"
      outputs = ["model", "train"]
      compute = { cpu = 2, memory = "8Gi" }
    }
  }
  schedule = { cron = "0 3 * * *", timezone = "Australia/Sydney" }
}
resource "mlops_pipeline_run" "first" {
  pipeline = mlops_pipeline.train.id
  triggers = { code = mlops_pipeline.train.version }
}
resource "mlops_model" "m" {
  environment = mlops_environment.e.id
  name        = "m"
  depends_on  = [mlops_pipeline_run.first]
}
resource "mlops_model_version" "v" {
  model    = mlops_model.m.id
  run      = mlops_pipeline_run.first.id
  output   = "model"
  format   = "custom"
  image    = "` + awsImage + `"
  approval = "approved"
}
resource "mlops_model_endpoint" "x" {
  environment = mlops_environment.e.id
  name        = "x"
  variants = {
    main = { version = mlops_model_version.v.id, traffic = 100, scaling = { min = 1, max = 4, target = { concurrency = 8 } } }
  }
  capture = { sample_percent = 100 }
}
resource "mlops_monitor" "drift" {
  endpoint     = mlops_model_endpoint.x.id
  name         = "drift"
  schedule     = { cron = "0 3 * * *" }
  baseline     = { run = mlops_pipeline_run.first.id, output = "train" }
  data_drift   = { statistic = "ks", threshold = 0.2 }
  health       = { max_error_percent = 1, max_p95 = "250ms" }
  alerts       = { emails = ["ml@example.com"] }
  on_violation = { pipeline = mlops_pipeline.train.id }
}
`

// measureAWSApply applies a whole service on two simulated accounts: one in which
// nothing takes time, and one in which every phase does. What the
// second needs beyond the first and beyond those times is what the provider adds
// by noticing late.
func measureAWSApply(ctx context.Context, s site) ([]result, error) {
	path, err := findCLI(ctx)
	if err != nil {
		return nil, err
	}
	phase := 15 * time.Second
	if s.short {
		phase = 5 * time.Second
	}
	quick, err := applyService(ctx, s, path, 0)
	if err != nil {
		return nil, err
	}
	slow, err := applyService(ctx, s, path, phase)
	if err != nil {
		return nil, err
	}
	added := max(0, slow.wall-quick.wall-slow.Busy)
	budget := math.Max(slow.Busy.Seconds()/10, float64(slow.Phases))
	return []result{
		figure("apply of a service on SageMaker, calls to AWS", float64(quick.total()), "calls").because("%s", quick.words()),
		figure("apply of a service on SageMaker, calls while waiting", float64(slow.total()-quick.total()), "calls").
			because("%d phases of %s", slow.Phases, phase),
		figure("apply of a service on SageMaker, wall time", quick.wall.Seconds(), "s").because("where nothing takes time"),
		atMost("apply of a service on SageMaker, time added", added.Seconds(), "s", budget).
			because("to %.0f s of the platform's own, %.1f %%", slow.Busy.Seconds(), 100*added.Seconds()/slow.Busy.Seconds()),
	}, nil
}

// appliedService is what an apply of the service did.
type appliedService struct {
	ledger

	wall time.Duration
}

// applyService applies the service on an account of its own, and destroys it.
func applyService(ctx context.Context, s site, path string, phase time.Duration) (out appliedService, err error) {
	a, err := openAccount(ctx, s, phase)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	c, err := a.cli(s, path)
	if err != nil {
		return out, err
	}
	dir := filepath.Join(s.dir, fmt.Sprintf("service-%s", phase))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return out, err
	}
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(awsService), 0o600); err != nil {
		return out, err
	}
	begin := time.Now()
	if err := c.apply(ctx, dir); err != nil {
		return out, err
	}
	out.wall = time.Since(begin)
	out.ledger, err = a.since(ctx)
	return out, err
}
