package runner

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// retryAfter is when work that the engine itself could not go on with (a full
// disk, say) is taken up again.
const retryAfter = 5 * time.Second

// The reasons for which work on a run is broken off. None of them is the run's
// own failure, and none is recorded as one.
var (
	errDetached  = errors.New("the engine is closing; the run goes on when it starts again")
	errSuspended = errors.New("the engine is stopping with its processes; the run goes on when it starts again")
	errDeleted   = errors.New("the run is being deleted")
)

// Config is what a Service needs.
type Config struct {
	Store       *store.Store
	Layout      layout.Layout
	Python      *pyenv.Builder
	Log         *slog.Logger
	Version     string // of the engine, for lineage
	Parallelism int    // most steps at once over all runs; zero is twice the cores, at least four
}

// Service runs pipelines. It is the Kind of pipeline runs and a Lister of them.
// It is safe for concurrent use.
type Service struct {
	Config

	limits limits
	wake   chan struct{} // a run was created or deleted
	replan chan struct{} // a pipeline changed
	stop   context.CancelCauseFunc
	loops  sync.WaitGroup
	dirs   sync.RWMutex // held while directories are made, and exclusively while empty ones are removed

	mu       sync.Mutex
	active   map[mlops.ID]context.CancelCauseFunc
	troubles map[mlops.ID]string // why the engine cannot go on with a run for now
}

// New returns a service that does nothing before Start but take orders.
func New(c Config) *Service {
	if c.Parallelism <= 0 {
		c.Parallelism = max(4, 2*runtime.NumCPU())
	}
	return &Service{
		Config:   c,
		limits:   newLimits(c.Parallelism, runtime.NumCPU()),
		wake:     make(chan struct{}, 1),
		replan:   make(chan struct{}, 1),
		stop:     func(error) {},
		active:   map[mlops.ID]context.CancelCauseFunc{},
		troubles: map[mlops.ID]string{},
	}
}

// Start takes up the runs that an earlier engine left unfinished and begins to
// follow schedules. Work goes on until Close, or until ctx ends, which is as
// good as Close.
func (s *Service) Start(ctx context.Context) error {
	if _, err := s.Store.OpenRuns(ctx); err != nil { // better now than in the background
		return err
	}
	ctx, s.stop = context.WithCancelCause(ctx)
	s.loops.Go(func() { s.dispatch(ctx) })
	s.loops.Go(func() { s.followSchedules(ctx) })
	return nil
}

// Close stops all work and leaves the processes of running steps alone: the
// next engine attaches to them. It returns when no goroutine of the service
// is left, or with ctx's error.
func (s *Service) Close(ctx context.Context) error { return s.halt(ctx, errDetached) }

// Suspend is Close that also ends the processes of running steps. The next
// engine starts those steps again; it does not count as an attempt.
func (s *Service) Suspend(ctx context.Context) error { return s.halt(ctx, errSuspended) }

func (s *Service) halt(ctx context.Context, cause error) error {
	s.stop(cause)
	done := make(chan struct{})
	go func() {
		s.loops.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// PipelinesChanged makes a changed schedule take effect at once instead of
// within seconds.
func (s *Service) PipelinesChanged() { poke(s.replan) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // poked already
	}
}

// dispatch keeps every open run worked on.
func (s *Service) dispatch(ctx context.Context) {
	for {
		again := time.NewTimer(retryAfter)
		if err := s.takeUp(ctx, &s.loops); err != nil && ctx.Err() == nil {
			s.Log.Error("look for unfinished runs", "error", err)
		}
		select {
		case <-ctx.Done():
			again.Stop()
			return
		case <-s.wake:
		case <-again.C:
		}
		again.Stop()
	}
}

// takeUp begins work on every open run that nobody works on.
func (s *Service) takeUp(ctx context.Context, group *sync.WaitGroup) error {
	open, err := s.Store.OpenRuns(ctx)
	if err != nil {
		return err
	}
	for _, id := range open {
		runCtx, ok := s.claim(ctx, id)
		if !ok {
			continue
		}
		group.Go(func() { s.attend(runCtx, id) })
	}
	return nil
}

// claim makes the caller the one who works on a run, unless somebody is.
func (s *Service) claim(ctx context.Context, id mlops.ID) (context.Context, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active[id] != nil || ctx.Err() != nil {
		return nil, false
	}
	ctx, s.active[id] = context.WithCancelCause(ctx)
	return ctx, true
}

// attend does what there is to do on a run, and gives the claim back.
func (s *Service) attend(ctx context.Context, id mlops.ID) {
	err := s.work(ctx, id)
	halted := ctx.Err() != nil
	s.mu.Lock()
	s.active[id](nil)
	delete(s.active, id)
	delete(s.troubles, id)
	if err != nil && !halted {
		s.troubles[id] = err.Error()
	}
	s.mu.Unlock()
	switch {
	case err != nil && !halted: // the dispatcher comes back to it
		s.Log.Error("cannot go on with a run for now", "run", id, "error", err)
	case context.Cause(ctx) == errDeleted: //nolint:errorlint // compared by identity: it is never wrapped
		poke(s.wake)
	}
}

// work takes a run to its end. The error is the engine's trouble, not the run's.
func (s *Service) work(ctx context.Context, id mlops.ID) error {
	r, err := s.Store.Runs().Get(ctx, id)
	switch {
	case mlops.CodeOf(err) == mlops.NotFound:
		return nil
	case err != nil:
		return err
	case r.Phase == mlops.PhaseDeleting:
		return s.remove(ctx, r)
	}
	return s.execute(ctx, r)
}

// breakOff ends the work on a run, if there is any.
func (s *Service) breakOff(id mlops.ID, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.active[id]; cancel != nil {
		cancel(cause)
	}
}

func (s *Service) trouble(id mlops.ID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.troubles[id]
}
