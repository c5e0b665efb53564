package serving

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"sync"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// endpoint works on one endpoint: a single goroutine brings about what its
// record asks for, one change after the other.
type endpoint struct {
	s          *Service
	id         mlops.ID
	dir        string
	captureDir string
	log        *slog.Logger
	wake       chan struct{}

	// The worker's own.
	created    time.Time
	inForce    plan
	candidates map[string]*fleet // of a change that was broken off, by variant
	warm       map[string]*fleet // what served before the last change, by variant
	warmUntil  time.Time         // zero if nothing is kept warm

	mu        sync.Mutex
	rolling   string // revision that the worker brings about
	interrupt context.CancelCauseFunc
	current   map[string]*fleet    // what is in force, by variant
	answering []*fleet             // what gets requests: during a rollout also what is new
	asleep    time.Time            // until when the endpoint is down by its schedule; zero if it is up
	shown     *mlops.RolloutStatus // of the change under way
	owned     map[string]bool      // replicas' directories that are in use
}

func (s *Service) newEndpoint(ctx context.Context, id mlops.ID) (*endpoint, error) {
	dir, err := s.environmentDir(ctx, id)
	if err != nil {
		return nil, err
	}
	return &endpoint{
		s: s, id: id, log: s.Log.With("endpoint", id),
		dir: layout.EndpointDir(dir, id.Name()), captureDir: layout.CaptureDir(dir, id.Name()),
		wake: make(chan struct{}, 1), candidates: map[string]*fleet{}, warm: map[string]*fleet{},
		current: map[string]*fleet{}, owned: map[string]bool{},
	}, nil
}

// tell makes the worker look at its record again. If the record asks for
// something else than what the worker is at, that is broken off.
func (e *endpoint) tell(r record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.interrupt != nil && (r.Phase == mlops.PhaseDeleting || r.WantedRevision != e.rolling) {
		e.interrupt(errSuperseded)
	}
	poke(e.wake)
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // poked already
	}
}

// run works until ctx ends or the endpoint is gone.
func (e *endpoint) run(ctx context.Context) {
	for {
		gone, err := e.reconcile(ctx)
		if gone && e.s.forget(e) {
			return
		}
		var again <-chan time.Time
		if err != nil && ctx.Err() == nil {
			e.log.Error("endpoint cannot be worked on for now", "error", err)
			again = time.After(e.s.pace.retry)
		}
		if gone {
			continue
		}
		if err := e.lookAtClock(ctx); err != nil && ctx.Err() == nil {
			e.log.Error("the clock was not followed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-e.wake:
		case <-again:
		case <-e.nextLook():
		}
	}
}

// lookAtClock does what it is time for: the endpoint goes to sleep or wakes by
// its schedule, and what was kept warm for long enough ends.
func (e *endpoint) lookAtClock(ctx context.Context) error {
	now := e.s.now()
	err := e.expire(ctx, now)
	if e.inForce.revision == "" {
		return err
	}
	until := asleepUntil(e.inForce.spec, now)
	if until.Equal(e.asleep) {
		return err
	}
	if until.IsZero() != e.asleep.IsZero() {
		e.log.Info("following the schedule", "asleep_until", until)
	}
	err = errors.Join(err, e.route(e.inForce, e.fleets()))
	if !until.IsZero() {
		err = errors.Join(err, e.coolDown(ctx))
	}
	return err
}

// nextLook fires when it is time to look at the clock again: often enough for a
// clock that is set, never if there is nothing to follow.
func (e *endpoint) nextLook() <-chan time.Time {
	if e.inForce.spec.Schedule == nil && e.warmUntil.IsZero() {
		return nil
	}
	pause := e.s.pace.clock
	if !e.warmUntil.IsZero() {
		pause = min(pause, max(0, e.warmUntil.Sub(e.s.now())))
	}
	return time.After(pause)
}

// reconcile brings about what the record asks for. An error is the engine's own
// trouble, to be tried again. gone means that there is nothing left.
func (e *endpoint) reconcile(ctx context.Context) (gone bool, err error) {
	attempt, end := e.begin(ctx)
	defer end()
	r, err := e.s.table.Get(ctx, e.id)
	switch {
	case mlops.CodeOf(err) == mlops.NotFound:
		return true, nil
	case err != nil:
		return false, err
	}
	e.created = r.Created
	switch {
	case r.Phase == mlops.PhaseDeleting:
		return e.remove(ctx)
	case r.Phase == mlops.PhasePending && r.Wanted != nil:
		e.mu.Lock()
		e.rolling = r.WantedRevision
		e.mu.Unlock()
		return false, e.rollOut(attempt, r)
	}
	return false, nil
}

// begin returns the context of one attempt, which a newer change ends. It is
// there before the record is read, so that no change slips in between.
func (e *endpoint) begin(ctx context.Context) (attempt context.Context, end func()) {
	attempt, cancel := context.WithCancelCause(ctx)
	e.mu.Lock()
	e.rolling, e.interrupt = "", cancel
	e.mu.Unlock()
	return attempt, func() {
		e.mu.Lock()
		e.interrupt = nil
		e.mu.Unlock()
		cancel(nil)
	}
}

// restore serves what is in force, with the servers that are still there, and
// ends those that nothing needs.
func (e *endpoint) restore(ctx context.Context, r record) error {
	defer func() {
		if r.Wanted == nil || r.Phase != mlops.PhasePending {
			e.sweep(ctx)
		}
	}()
	if r.Revision == "" || r.Phase == mlops.PhaseDeleting {
		return nil
	}
	e.created = r.Created
	p, err := e.s.resolve(ctx, r.Spec, r.Revision)
	if err != nil {
		return err
	}
	asleep := !asleepUntil(p.spec, e.s.now()).IsZero()
	fleets := map[string]*fleet{}
	for _, v := range p.variants {
		f := e.newFleet(v, p.requestTimeout())
		if n := f.adopt(); !asleep {
			f.scale(f.bounds.clamp(n))
		}
		fleets[v.name] = f
	}
	err = e.route(p, fleets)
	e.warmUp(ctx, r)
	return err
}

// replicas counts ready servers by variant, of what is in force.
func (e *endpoint) replicas() map[string]int64 {
	out := map[string]int64{}
	for name, f := range e.fleets() {
		out[name] = int64(f.pool.Look().Ready)
	}
	return out
}

// isAsleep reports whether the endpoint is down by its schedule.
func (e *endpoint) isAsleep() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.asleep.IsZero()
}

// fleets returns what is in force, by variant.
func (e *endpoint) fleets() map[string]*fleet {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.current)
}

// remove ends everything the endpoint has, and then its record.
func (e *endpoint) remove(ctx context.Context) (gone bool, err error) {
	if err := e.s.gateway.Remove(e.id.Environment().Name(), e.id.Name()); err != nil {
		e.log.Error("close the endpoint's captures", "error", err)
	}
	all := []map[string]*fleet{e.candidates, e.warm, e.fleets()}
	e.mu.Lock()
	e.current, e.answering, e.inForce, e.asleep, e.shown = map[string]*fleet{}, nil, plan{}, time.Time{}, nil
	e.mu.Unlock()
	for _, fleets := range all {
		stop(fleets)
	}
	for _, fleets := range all {
		wait(fleets)
	}
	e.candidates, e.warm, e.warmUntil = map[string]*fleet{}, map[string]*fleet{}, time.Time{}
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	e.sweep(ctx)
	if err := errors.Join(os.RemoveAll(e.dir), os.RemoveAll(e.captureDir)); err != nil {
		return false, err
	}
	err = e.s.table.Delete(ctx, e.id, nil)
	if mlops.CodeOf(err) == mlops.NotFound {
		err = nil
	}
	return err == nil, err
}

// stop begins to drain and end fleets.
func stop(fleets map[string]*fleet) {
	for _, f := range fleets {
		f.pool.Close()
		f.stop(errRetired)
	}
}

// wait returns when fleets have no server any more.
func wait(fleets map[string]*fleet) {
	for _, f := range fleets {
		f.servers.Wait()
	}
}
