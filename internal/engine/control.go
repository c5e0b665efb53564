package engine

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/server"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// idleChecks is how often within the idle time environments are looked for.
const idleChecks = 10

// handler is the control API over the engine's services.
func (e *engine) handler() http.Handler {
	return server.Handler(server.Config{
		Environments:   e.registry.Environments(),
		Pipelines:      e.registry.Pipelines(),
		PipelineRuns:   e.runner,
		Models:         e.registry.Models(),
		ModelVersions:  e.registry.ModelVersions(),
		ModelEndpoints: e.serving,
		Experiments:    e.registry.Experiments(),
		Datasets:       e.registry.Datasets(),
		Monitors:       e.monitors,
		Check:          e.monitors.CheckNow,
		MailServer:     e.alerts.SetMailServer,
		Status:         e.status,
		Stop:           e.halt,
		Log:            e.log,
	})
}

func (e *engine) status(ctx context.Context) (api.Engine, error) {
	counts, err := e.store.Counts(ctx)
	status := e.info
	status.Objects = counts
	return status, err
}

func (e *engine) halt(keep bool) {
	if keep {
		e.stop(errKeep)
		return
	}
	e.stop(errStop)
}

// watchIdle stops the engine when there was no environment for long enough.
func (e *engine) watchIdle(ctx context.Context) {
	ticker := time.NewTicker(max(e.IdleExit/idleChecks, time.Millisecond))
	defer ticker.Stop()
	since := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			counts, err := e.store.Counts(ctx)
			if err != nil || counts[mlops.NounEnvironment] > 0 {
				since = now
			}
			if now.Sub(since) >= e.IdleExit {
				e.stop(errIdle)
				return
			}
		}
	}
}

// watchDirectory stops the engine when somebody took its directory away, or put
// another in its place: nobody would ever find this engine again.
func (e *engine) watchDirectory(ctx context.Context) {
	held, err := os.Stat(e.lock.Path())
	if err != nil {
		e.stop(errLost)
		return
	}
	ticker := time.NewTicker(lookAgain)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			now, err := os.Stat(e.lock.Path())
			if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(held, now) {
				e.stop(errLost)
				return
			}
		}
	}
}
