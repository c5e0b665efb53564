package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/process"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// execution is the work on one run.
type execution struct {
	*Service

	id    mlops.ID
	plan  store.RunPlan
	graph mlops.Graph
	limit *semaphore.Weighted // of this run's steps

	mu    sync.Mutex
	steps map[string]store.Step // as in the store; a step that has not begun is the zero Step
	ended []*process.Handle     // of all attempts; what they left behind is ended with the run
}

// stepError is a step that failed for good: the run's failure.
type stepError struct{ step, reason string }

func (e *stepError) Error() string { return fmt.Sprintf("step %q %s", e.step, e.reason) }

// execute takes a run from wherever it stands to its end.
func (s *Service) execute(ctx context.Context, r record) error {
	e, err := s.resume(ctx, r.ID)
	if err != nil {
		return err
	}
	if err := e.begin(ctx); err != nil {
		return err
	}
	if failure := e.failed(); failure != nil { // an engine died between the failure and the end of the run
		return e.finish(ctx, failure)
	}
	err = e.advance(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	failure, failed := errors.AsType[*stepError](err)
	if err != nil && !failed {
		return err
	}
	return e.finish(ctx, failure)
}

// resume reads what is known of a run.
func (s *Service) resume(ctx context.Context, id mlops.ID) (*execution, error) {
	plan, err := s.Store.Plan(ctx, id)
	if err != nil {
		return nil, err
	}
	graph, err := plan.Pipeline.Graph()
	if err != nil {
		return nil, err
	}
	steps, err := s.Store.Steps(ctx, id)
	if err != nil {
		return nil, err
	}
	return &execution{
		Service: s, id: id, plan: plan, graph: graph, limit: perRun(plan.Pipeline.Parallelism), steps: steps,
	}, nil
}

// begin notes that the run is under way.
func (e *execution) begin(ctx context.Context) error {
	_, err := e.Store.Runs().Change(ctx, e.id, func(tx *store.Tx, r *record) error {
		if r.Phase == mlops.PhaseDeleting || r.Status.State != mlops.RunQueued {
			return nil
		}
		r.Status.State, r.Status.StartedAt = mlops.RunRunning, time.Now().UTC()
		return track(ctx, tx, e.plan, *r)
	})
	return err
}

// advance runs the steps in the order of the graph, as many at once as the
// limits allow. The first failure ends the others.
func (e *execution) advance(ctx context.Context) error {
	order := e.graph.Order()
	done := make(map[string]chan struct{}, len(order)) // succeeded or skipped
	for _, name := range order {
		done[name] = make(chan struct{})
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, name := range order {
		group.Go(func() error {
			for _, need := range e.graph.Needs(name) {
				select {
				case <-done[need]:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
			if err := e.step(ctx, name); err != nil {
				return err
			}
			close(done[name])
			return nil
		})
	}
	return group.Wait()
}

// step takes one step to its end, from wherever it stands.
func (e *execution) step(ctx context.Context, name string) error {
	for {
		at := e.get(name)
		switch at.State {
		case mlops.RunSucceeded, mlops.RunSkipped:
			return nil
		case mlops.RunFailed:
			return &stepError{name, at.Reason}
		case mlops.RunQueued, mlops.RunRunning, mlops.RunCancelled:
		}
		if decided, err := e.decide(ctx, name); decided || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		if err := sleepUntil(ctx, at.RetryAt); err != nil {
			return err
		}
		if err := e.attempt(ctx, name); err != nil {
			return err
		}
	}
}

func sleepUntil(ctx context.Context, t time.Time) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	wait := time.Until(t)
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// finish writes how the run ended, and what came of it, in one transaction.
func (e *execution) finish(ctx context.Context, failure *stepError) error {
	if err := e.endRunning(ctx); err != nil {
		return err
	}
	process.Sweep(e.ended...)
	_, err := e.Store.Runs().Change(ctx, e.id, func(tx *store.Tx, r *record) error {
		if r.Phase == mlops.PhaseDeleting {
			return errDeleted
		}
		r.Status = summary(r.Status, e.plan, e.snapshot(), engineName(e.Version))
		if failure == nil {
			r.Status.State = mlops.RunSucceeded
			r.Settle()
		} else {
			r.Status.State = mlops.RunFailed
			r.RollBack(failure.Error())
		}
		if err := track(ctx, tx, e.plan, *r); err != nil {
			return err
		}
		return tx.CloseRun(ctx, e.id)
	})
	return err
}

// failed returns the failure that a step has on record.
func (e *execution) failed() *stepError {
	for name, step := range e.snapshot() {
		if step.State == mlops.RunFailed {
			return &stepError{name, step.Reason}
		}
	}
	return nil
}

// endRunning ends the processes that an earlier engine left of a run that is
// over.
func (e *execution) endRunning(ctx context.Context) error {
	for name, step := range e.snapshot() {
		if step.State != mlops.RunRunning {
			continue
		}
		if h, err := process.Recover(e.stateDir(name, step.Attempt)); err == nil {
			h.Stop(ctx, stopGrace)
		}
		step.State, step.FinishedAt = mlops.RunCancelled, time.Now().UTC()
		if err := e.put(ctx, name, step); err != nil {
			return err
		}
	}
	return nil
}

func (e *execution) get(name string) store.Step {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.steps[name]
}

// seen keeps a handle for the end of the run.
func (e *execution) seen(h *process.Handle) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = append(e.ended, h)
}

func (e *execution) snapshot() map[string]store.Step {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.steps)
}

// put writes how a step stands. It is written even if the run is being broken
// off: what has happened has happened.
func (e *execution) put(ctx context.Context, name string, step store.Step, also ...func(*store.Tx) error) error {
	ctx = context.WithoutCancel(ctx)
	err := e.Store.Write(ctx, func(tx *store.Tx) error {
		for _, f := range also {
			if err := f(tx); err != nil {
				return err
			}
		}
		return tx.PutStep(ctx, e.id, name, step)
	})
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.steps[name] = step
	return nil
}
