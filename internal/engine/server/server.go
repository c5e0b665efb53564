package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The limits of one request. Registering a version copies its bytes before it
// is answered, which takes the longest.
const (
	maxSpec       = 8 << 20 // bytes; scripts are part of specs
	maxHeader     = 64 << 10
	headerTimeout = 10 * time.Second
	readTimeout   = time.Minute
	writeTimeout  = time.Hour
	idleTimeout   = 5 * time.Minute
)

// Config is what the API exposes. Every field is needed.
type Config struct {
	Environments   mlops.Kind[mlops.EnvironmentSpec, mlops.EnvironmentStatus]
	Pipelines      mlops.Kind[mlops.PipelineSpec, mlops.PipelineStatus]
	PipelineRuns   mlops.Kind[mlops.PipelineRunSpec, mlops.PipelineRunStatus]
	Models         mlops.Kind[mlops.ModelSpec, mlops.ModelStatus]
	ModelVersions  mlops.Kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus]
	ModelEndpoints mlops.Kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]
	Experiments    mlops.Kind[mlops.ExperimentSpec, mlops.ExperimentStatus]
	Datasets       mlops.Kind[mlops.DatasetSpec, mlops.DatasetStatus]
	Monitors       mlops.Kind[mlops.MonitorSpec, mlops.MonitorStatus]

	// Check makes a monitor's check now.
	Check func(ctx context.Context, monitor mlops.ID) (mlops.MonitorReport, error)
	// MailServer keeps the URL of the mail server, which is a secret.
	MailServer func(ctx context.Context, url string) error

	Status func(context.Context) (api.Engine, error)
	Stop   func(keep bool) // asks the engine to exit, and returns at once
	Log    *slog.Logger
}

// Handler answers the control API.
func Handler(c Config) http.Handler {
	mux := http.NewServeMux()
	add := func(pattern string, h handler) { mux.Handle(pattern, wrap{h, c.Log}) }
	expose(add, mlops.NounEnvironment, c.Environments)
	expose(add, mlops.NounPipeline, c.Pipelines)
	expose(add, mlops.NounPipelineRun, c.PipelineRuns)
	expose(add, mlops.NounModel, c.Models)
	expose(add, mlops.NounModelVersion, c.ModelVersions)
	expose(add, mlops.NounModelEndpoint, c.ModelEndpoints)
	expose(add, mlops.NounExperiment, c.Experiments)
	expose(add, mlops.NounDataset, c.Datasets)
	expose(add, mlops.NounMonitor, c.Monitors)
	add("GET "+api.CredentialsPath+"/{id...}", c.credentials)
	add("POST "+api.ChecksPath+"/{id...}", c.check)
	add("PUT "+api.MailServerPath, c.mailServer)
	add("GET "+api.EnginePath, c.status)
	add("POST "+api.StopPath, c.stop)
	add("/", noSuchOperation)
	return mux
}

func (c Config) status(_ http.ResponseWriter, r *http.Request) (any, error) {
	return c.Status(r.Context())
}

func (c Config) stop(_ http.ResponseWriter, r *http.Request) (any, error) {
	c.Stop(r.URL.Query().Get(api.KeepQuery) == "true")
	return struct{}{}, nil
}

// Serve answers requests until ctx ends, then lets those under way finish, for
// at most grace. It closes the listener. It returns nil after a graceful end.
func Serve(ctx context.Context, listener net.Listener, h http.Handler, log *slog.Logger, grace time.Duration) error {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := s.Shutdown(ending); err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}
