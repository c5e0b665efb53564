package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/alerts"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/client"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/monitors"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/registry"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/runner"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/secret"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/server"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/serving"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
)

const (
	logMiB     = 10              // size at which the log is rotated
	logBackups = 3               // rotated logs that are kept
	closeLimit = 2 * time.Minute // for all services to stop
	drainLimit = 10 * time.Second
	lookAgain  = 5 * time.Second // how often the engine's directory is looked for
)

// Config is what an engine needs to know.
type Config struct {
	Directory string        // absolute; made if need be
	Port      int           // of inference; 0 keeps the one that it had, or picks a free one
	Python    string        // interpreter for steps and model servers; "" is python3 from the PATH
	Version   string        // of the provider
	IdleExit  time.Duration // exit when there was no environment for so long; 0 is never

	Ready func(api.Engine) // called once, when requests are answered; may be nil
}

// The causes for which an engine stops.
var (
	errStop = errors.New("the engine was asked to stop")
	errKeep = errors.New("the engine was asked to make room for another")
	errIdle = errors.New("there is no environment")
	errLost = errors.New("the engine's directory is gone")
)

// Run runs an engine until ctx ends, until it is asked to stop, or until it is
// idle for too long. All of these are a proper end, without an error. A
// directory that another engine holds is a Conflict.
func Run(ctx context.Context, c Config) (err error) {
	e, err := open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close(ctx)) }()
	ctx, e.stop = context.WithCancelCause(ctx)
	defer e.stop(nil)
	if err := e.start(ctx); err != nil {
		return err
	}
	listener, err := listen(ctx, e.layout.Socket())
	if err != nil {
		return err
	}
	if err := writeInfo(e.layout.Info(), e.info); err != nil {
		return errors.Join(err, listener.Close())
	}
	return e.serve(ctx, listener)
}

// Clear ends the processes that an engine left behind when it was killed: it
// runs one that stops at once. A directory where no engine ever was stays as it
// is.
func Clear(ctx context.Context, c Config) error {
	if _, err := os.Stat((layout.Layout{Root: c.Directory}).Database()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.Ready = func(api.Engine) { cancel() }
	return Run(ctx, c)
}

// engine is one that holds its directory.
type engine struct {
	Config

	layout  layout.Layout
	lock    *flock.Flock
	log     *slog.Logger
	logFile io.Closer
	store   *store.Store
	info    api.Engine

	registry *registry.Registry
	runner   *runner.Service
	serving  *serving.Service
	alerts   *alerts.Service
	monitors *monitors.Service

	stop context.CancelCauseFunc
	keep bool // processes are left to the next engine
	lost bool // the directory is no longer this engine's
}

// open takes the directory and makes the services. On failure it gives back
// what it took.
func open(ctx context.Context, c Config) (_ *engine, err error) {
	e := &engine{Config: c, layout: layout.Layout{Root: c.Directory}}
	if err := os.MkdirAll(c.Directory, 0o700); err != nil {
		return nil, fmt.Errorf("the engine's directory cannot be made: %w", err)
	}
	if e.lock, err = hold(ctx, e.layout); err != nil {
		return nil, err
	}
	out := &lumberjack.Logger{Filename: e.layout.Log(), MaxSize: logMiB, MaxBackups: logBackups}
	e.log, e.logFile = slog.New(slog.NewJSONHandler(out, nil)), out
	if e.store, err = store.Open(ctx, e.layout.Database()); err != nil {
		return nil, errors.Join(err, e.close(ctx))
	}
	cache, err := layout.CacheDir()
	if err != nil {
		return nil, errors.Join(err, e.close(ctx))
	}
	keys, err := secret.Open(c.Directory)
	if err != nil {
		return nil, errors.Join(err, e.close(ctx))
	}
	e.assemble(pyenv.New(c.Python, cache, e.log), keys)
	return e, nil
}

// start takes up the work that an earlier engine left.
func (e *engine) start(ctx context.Context) error {
	for _, start := range []func(context.Context) error{e.registry.Start, e.runner.Start, e.serving.Start, e.alerts.Start, e.monitors.Start} {
		if err := start(context.WithoutCancel(ctx)); err != nil { // they end by Close
			return err
		}
	}
	if err := e.show(); err != nil {
		return err
	}
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	e.info = api.Engine{
		PID: os.Getpid(), Version: e.Version, Build: client.Build(e.Version, executable), Directory: e.Directory,
		Python: e.Python, Inference: "http://" + e.serving.Address(), StartedAt: time.Now().UTC(),
	}
	e.log.Info("engine started", "pid", e.info.PID, "version", e.info.Version, "inference", e.info.Inference)
	return nil
}

// serve answers requests until it is time to stop.
func (e *engine) serve(ctx context.Context, listener net.Listener) error {
	if e.Ready != nil {
		e.Ready(e.info)
	}
	if e.IdleExit > 0 {
		go e.watchIdle(ctx)
	}
	go e.watchDirectory(ctx)
	err := server.Serve(ctx, listener, e.handler(), e.log, drainLimit)
	cause := context.Cause(ctx)
	e.keep, e.lost = errors.Is(cause, errKeep), errors.Is(cause, errLost)
	e.log.Info("engine stops", "cause", cause)
	return err
}

// close ends the services in the opposite order and gives the directory back.
func (e *engine) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	errs := []error{}
	for _, end := range e.endings() {
		errs = append(errs, end(ctx))
	}
	if !e.lost { // else they may be another engine's
		_ = os.Remove(e.layout.Info())
		_ = os.Remove(filepath.Dir(e.layout.Socket())) // stays if it is the engine's own directory
	}
	if e.store != nil {
		errs = append(errs, e.store.Close())
	}
	errs = append(errs, e.logFile.Close(), e.lock.Close())
	return errors.Join(errs...)
}

func (e *engine) endings() []func(context.Context) error {
	switch {
	case e.registry == nil:
		return nil
	case e.keep:
		return []func(context.Context) error{e.monitors.Close, e.alerts.Close, e.serving.Close, e.runner.Close, e.registry.Close}
	}
	return []func(context.Context) error{e.monitors.Close, e.alerts.Close, e.serving.Suspend, e.runner.Suspend, e.registry.Close}
}
