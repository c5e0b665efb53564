package engine

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/alerts"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/monitors"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/process"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/registry"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/runner"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/secret"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/serving"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/web"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// logLines is how much of a step's log a page shows.
const logLines = 200

// assemble makes the services. None works before start.
func (e *engine) assemble(python *pyenv.Builder, keys *secret.Keys) {
	e.runner = runner.New(runner.Config{Store: e.store, Layout: e.layout, Python: python, Log: e.log, Version: e.Version})
	e.serving = serving.New(serving.Config{Store: e.store, Layout: e.layout, Python: python, Log: e.log, Port: e.Port, Keys: keys})
	e.registry = registry.New(registry.Config{Store: e.store, Layout: e.layout, Runs: e.runner, Log: e.log, Keys: keys, Version: e.Version})
	e.alerts = alerts.New(alerts.Config{Store: e.store, Keys: keys, Log: e.log})
	e.monitors = monitors.New(monitors.Config{
		Store: e.store, Layout: e.layout, Alerts: e.alerts, Log: e.log,
		Minutes: e.serving.Minutes, Asleep: e.isAsleep, StartRun: e.runner.Create,
	})
}

func (e *engine) isAsleep(ctx context.Context, endpoint mlops.ID) (bool, error) {
	seen, err := e.serving.Get(ctx, endpoint)
	return seen.Status.Asleep, err
}

// show has the gateway answer with the engine's pages, and with what monitors
// found among its metrics. Pages wait for no shared registry.
func (e *engine) show() error {
	e.serving.Gateway().Mount(web.Handler(web.Config{
		Environments: e.registry.Environments(), Experiments: e.registry.Experiments(), Datasets: e.registry.Datasets(),
		Pipelines: e.registry.Pipelines(), PipelineRuns: e.runner, Models: e.registry.KeptModels(), ModelVersions: e.registry.KeptVersions(),
		ModelEndpoints: e.serving, Monitors: e.monitors,
		Minutes: e.serving.Minutes, Reports: e.monitors.History, StepLog: e.stepLog, Log: e.log,
	}))
	return e.serving.Gateway().Register(e.monitors.Collector())
}

// stepLog returns the end of what a step's last attempt wrote, "" if nothing.
func (e *engine) stepLog(ctx context.Context, run mlops.ID, step string) (string, error) {
	seen, err := e.runner.Get(ctx, run)
	if err != nil {
		return "", err
	}
	s, ok := seen.Status.Steps[step]
	if !ok || strings.ContainsAny(step, `/\`) {
		return "", nil
	}
	return process.Tail(filepath.Join(seen.Native["directory"], "logs", step+"."+strconv.Itoa(s.Attempt)+".log"), logLines), nil
}
