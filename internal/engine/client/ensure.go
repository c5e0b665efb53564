package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/mod/semver"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/process"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	lockRetry  = 50 * time.Millisecond // how often a lock that another process holds is tried
	pingLimit  = 30 * time.Second      // for an engine to say that it is there
	startLimit = 2 * time.Minute       // for an engine to start
)

// Ensure returns the running engine of a directory. It starts one if there is
// none, and replaces one that does not suit: an older build, or one with
// another port or interpreter than asked for. Only one caller at a time does
// either.
func Ensure(ctx context.Context, o Options) (api.Engine, error) {
	o, err := o.complete()
	if err != nil {
		return api.Engine{}, err
	}
	e, err := Find(ctx, o)
	if err != nil || e != nil && o.suits(*e) {
		return value(e), err
	}
	if err := os.MkdirAll(o.Directory, 0o700); err != nil {
		return api.Engine{}, unusable(ctx, o.Directory, err)
	}
	starting := flock.New(o.layout().StartLock())
	if _, err := starting.TryLockContext(ctx, lockRetry); err != nil {
		return api.Engine{}, unusable(ctx, o.Directory, err)
	}
	defer func() { _ = starting.Close() }() // the lock goes with the file
	e, err = o.makeRoom(ctx)
	if err != nil || e != nil {
		return value(e), err
	}
	return o.start(ctx)
}

func value(e *api.Engine) api.Engine {
	if e == nil {
		return api.Engine{}
	}
	return *e
}

// Find returns the engine that runs in a directory, nil if none does.
func Find(ctx context.Context, o Options) (*api.Engine, error) {
	pinging, cancel := context.WithTimeout(ctx, pingLimit)
	defer cancel()
	var e api.Engine
	err := o.ask(pinging, request{method: http.MethodGet, path: api.EnginePath}, &e)
	for lost(err) && pause(pinging) == nil { // it is ending
		err = o.ask(pinging, request{method: http.MethodGet, path: api.EnginePath}, &e)
	}
	switch {
	case err == nil:
		return &e, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case notRunning(err):
		return nil, nil //nolint:nilnil // no engine is an answer
	case pinging.Err() != nil:
		return nil, mlops.NewError(mlops.Unavailable, fmt.Errorf("the engine in %s has not answered for %s; end it (its process is in %s) or look at %s", o.Directory, pingLimit, o.layout().Info(), o.layout().Log()))
	}
	return nil, err
}

// ask makes one request over a connection of its own.
func (o Options) ask(ctx context.Context, r request, out any) error {
	h := overSocket(o.layout().Socket())
	defer h.CloseIdleConnections()
	return send(ctx, h, o, r, out)
}

// suits reports whether a running engine can serve this program.
func (o Options) suits(e api.Engine) bool {
	if o.Python != "" && o.Python != e.Python {
		return false
	}
	if u, err := url.Parse(e.Inference); o.Port != 0 && (err != nil || u.Port() != strconv.Itoa(o.Port)) {
		return false
	}
	if e.Build == Build(o.Version, o.Executable) {
		return true
	}
	ours, theirs := "v"+o.Version, "v"+e.Version
	return semver.IsValid(ours) && semver.IsValid(theirs) && semver.Compare(theirs, ours) >= 0
}

// makeRoom waits until an engine that suits is there, which it returns, or until
// none is. One that does not suit is asked to stop and leave what it runs to
// the next.
func (o Options) makeRoom(ctx context.Context) (*api.Engine, error) {
	var asked int // PID of the engine that was asked to stop
	for {
		e, err := Find(ctx, o)
		switch {
		case err != nil:
			return nil, err
		case e != nil && o.suits(*e):
			return e, nil
		case e != nil && e.PID != asked:
			asked = e.PID
			if err := o.stop(ctx, true); err != nil {
				return nil, err
			}
		case e == nil:
			if free, err := o.free(); free || err != nil {
				return nil, err
			}
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

// free reports whether no engine holds the directory.
func (o Options) free() (bool, error) {
	lock := flock.New(o.layout().Lock())
	free, err := lock.TryLock()
	return free, errors.Join(err, lock.Close())
}

func pause(ctx context.Context) error {
	timer := time.NewTimer(lockRetry)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// stop asks the engine to exit. None to ask is as good.
func (o Options) stop(ctx context.Context, keep bool) error {
	query := url.Values{api.KeepQuery: {strconv.FormatBool(keep)}}
	err := o.ask(ctx, request{method: http.MethodPost, path: api.StopPath, query: query}, &struct{}{})
	if notRunning(err) || lost(err) {
		return nil
	}
	return err
}

// Stop makes the engine of a directory exit with all its processes, and waits
// until it has. It reports false if none ran.
func Stop(ctx context.Context, o Options) (stopped bool, err error) {
	e, err := Find(ctx, o)
	if err != nil || e == nil && !o.existed() {
		return false, err
	}
	if e != nil {
		if err := o.stop(ctx, false); err != nil {
			return false, err
		}
	}
	pid := value(e).PID
	for { // also where none answers: it may be on its way in or out
		free, err := o.free()
		if gone := pid == os.Getpid() || !process.Running(pid); err != nil || free && gone {
			return e != nil, err
		}
		if err := pause(ctx); err != nil {
			return false, err
		}
	}
}

// unusable says what to do about a directory that the engine cannot use. A
// context's error is untouched.
func unusable(ctx context.Context, dir string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, fs.ErrExist) {
		return mlops.InvalidField("local.directory", "the engine's directory %s is no directory: %w", dir, err)
	}
	p := api.ProblemOf(fmt.Errorf("the engine cannot use its directory %s; set the provider's local.directory, or %s, to one that it can write to: %w", dir, DirectoryVariable, err))
	p.Field = "local.directory"
	return p.Err()
}
