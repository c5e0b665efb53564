package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/process"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	stopGrace  = 5 * time.Second // from asking a step's process to end to killing it
	reasonTail = 20              // lines of a step's log in its reason
	maxBackoff = 24 * time.Hour
)

// failure is what went wrong in one attempt at a step, worded to follow the
// step's name.
type failure struct{ reason string }

func (f *failure) Error() string { return f.reason }

func failf(format string, args ...any) error { return &failure{fmt.Sprintf(format, args...)} }

// attempt tries a step once, or goes on with the attempt that is under way, and
// writes what came of it. The error is not the attempt's failure, but why there
// could be no verdict on it.
func (e *execution) attempt(ctx context.Context, name string) error {
	release, err := e.limits.acquire(ctx, e.limit, e.plan.Pipeline.Steps[name].Compute)
	if err != nil {
		return err
	}
	defer release()
	err = e.try(ctx, name)
	failed, ok := errors.AsType[*failure](err)
	if !ok {
		return err
	}
	return e.put(ctx, name, afterFailure(e.get(name), e.plan.Pipeline.Steps[name].Retry, failed.reason))
}

// try works out what there is to do for a step and gets it done: from the
// cache, from the process that an earlier engine started, or from a new one.
func (e *execution) try(ctx context.Context, name string) error {
	at := e.get(name)
	j, err := e.prepare(name)
	if err != nil {
		return e.noAttempt(ctx, name, err)
	}
	handle := e.recover(ctx, j, at)
	if handle == nil {
		at.StepLineage = j.lineage
		if hit, err := e.fromCache(ctx, j, at); hit || err != nil {
			return err
		}
		if handle, err = e.start(ctx, j, &at); err != nil {
			return err
		}
	}
	if err := e.await(ctx, j, handle, at); err != nil {
		return err
	}
	return e.succeed(ctx, j, at)
}

// noAttempt makes what went wrong before an attempt count as one.
func (e *execution) noAttempt(ctx context.Context, name string, cause error) error {
	at := e.get(name)
	at.Attempt++
	at.StartedAt = time.Now().UTC()
	if err := e.put(ctx, name, at); err != nil {
		return err
	}
	return cause
}

// recover finds the process of an attempt that an earlier engine began. There
// is none if it left no trace, or if it vanished without an exit record, as in
// a crash of the machine: then the attempt is begun again.
func (e *execution) recover(ctx context.Context, j *job, at store.Step) *process.Handle {
	if at.State != mlops.RunRunning {
		return nil
	}
	h, err := process.Recover(e.stateDir(j.name, at.Attempt))
	if err != nil {
		return nil
	}
	select {
	case <-h.Done():
		h.Stop(ctx, 0) // what is left of its children
		if h.Exit().Code < 0 {
			return nil
		}
	default:
	}
	if !maps.Equal(at.Inputs, j.lineage.Inputs) {
		j.work = "" // a file outside has changed since: what comes out is not of what is there now
	}
	e.Log.Info("went on with a step", "run", e.id, "step", j.name, "attempt", at.Attempt, "pid", h.PID())
	return h
}

// start begins an attempt: the row first, so that no process is ever unknown.
func (e *execution) start(ctx context.Context, j *job, at *store.Step) (*process.Handle, error) {
	if at.State != mlops.RunRunning { // else it is begun again
		at.Attempt++
	}
	at.State, at.Reason, at.RetryAt = mlops.RunRunning, "", time.Time{}
	at.StartedAt, at.FinishedAt = time.Now().UTC(), time.Time{}
	if err := e.put(ctx, j.name, *at); err != nil {
		return nil, err
	}
	args, env, err := e.ready(ctx, j, at.Attempt)
	if err != nil {
		return nil, err
	}
	if len(j.step.Packages) > 0 { // installing them is not on the step's clock
		at.StartedAt = time.Now().UTC()
		if err := e.put(ctx, j.name, *at); err != nil {
			return nil, err
		}
	}
	spec := process.Spec{
		Args: args, Env: env, Dir: j.workDir(), Log: e.logFile(j.name, at.Attempt), State: e.stateDir(j.name, at.Attempt),
	}
	if c := j.step.Compute; c != nil {
		spec.MemoryLimit = int64(c.Memory)
	}
	h, err := process.Start(spec) //nolint:contextcheck // the process is to outlive the engine
	if err != nil {
		return nil, failf("could not be started: %s", mlops.Message(err))
	}
	return h, nil
}

// ready makes the attempt's directory and its Python environment, and returns
// the process's arguments and environment.
func (e *execution) ready(ctx context.Context, j *job, attempt int) (args, env []string, err error) {
	j.place(e.attemptDir(j.name, attempt))
	if err := e.write(j, e.logFile(j.name, attempt)); err != nil {
		return nil, nil, failf("could not be started: %s", mlops.Message(err))
	}
	python, err := e.python(ctx, j.step)
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, nil, failf("could not be started: %s", mlops.Message(err))
	}
	return j.command(python, e.values(j))
}

// await waits for an attempt's process. Its failure is a *failure; any other
// error says why there was no waiting to the end.
func (e *execution) await(ctx context.Context, j *job, h *process.Handle, at store.Step) error {
	j.place(e.attemptDir(j.name, at.Attempt))
	e.seen(h)
	var overdue <-chan time.Time
	if j.step.Timeout > 0 {
		timer := time.NewTimer(time.Until(at.StartedAt.Add(time.Duration(j.step.Timeout))))
		defer timer.Stop()
		overdue = timer.C
	}
	log := e.logFile(j.name, at.Attempt)
	select {
	case <-h.Done():
		if exit := h.Exit(); !exit.OK() {
			return failf("%s%s", exit, lastLines(log))
		}
		return nil
	case <-overdue:
		h.Stop(ctx, stopGrace)
		return failf("took longer than its timeout of %s and was ended%s", time.Duration(j.step.Timeout), lastLines(log))
	case <-ctx.Done():
		return e.abandon(ctx, j, h, at)
	}
}

// abandon leaves or ends the process of a run that is broken off.
func (e *execution) abandon(ctx context.Context, j *job, h *process.Handle, at store.Step) error {
	cause := context.Cause(ctx)
	if !errors.Is(cause, errSuspended) && !isEnd(cause) {
		return cause // it lives on
	}
	h.Stop(context.WithoutCancel(ctx), stopGrace)
	if errors.Is(cause, errSuspended) { // without a trace it is begun again
		return errors.Join(cause, os.RemoveAll(e.stateDir(j.name, at.Attempt)))
	}
	at.State, at.FinishedAt, at.Reason = mlops.RunCancelled, time.Now().UTC(), "was ended: "+endedBy(cause)
	return errors.Join(cause, e.put(ctx, j.name, at))
}

// isEnd reports whether a cause is the end of the run itself.
func isEnd(cause error) bool {
	_, failed := errors.AsType[*stepError](cause)
	return failed || errors.Is(cause, errDeleted)
}

// endedBy words a cause for the steps that it ended: the failed step's log is in
// that step's own reason.
func endedBy(cause error) string {
	if f, ok := errors.AsType[*stepError](cause); ok {
		return fmt.Sprintf("step %q failed", f.step)
	}
	return cause.Error()
}

// succeed takes in what an attempt whose process succeeded wrote.
func (e *execution) succeed(ctx context.Context, j *job, at store.Step) error {
	if err := j.collect(&at); err != nil {
		return err
	}
	at.State, at.FinishedAt = mlops.RunSucceeded, time.Now().UTC()
	remember := func(tx *store.Tx) error {
		if j.step.NoCache || j.work == "" {
			return nil
		}
		return tx.PutCached(ctx, j.work, store.CachedStep{Run: e.id, Step: j.name, Outputs: cachedOutputs(at)})
	}
	return e.put(ctx, j.name, at, remember)
}

// afterFailure is how a step stands after an attempt failed: queued again, or
// failed.
func afterFailure(at store.Step, retry *mlops.Retry, reason string) store.Step {
	now := time.Now().UTC()
	at.FinishedAt = now
	attempts, backoff := 1, time.Duration(0)
	if retry != nil {
		attempts, backoff = int(max(1, retry.Attempts)), time.Duration(retry.Backoff)
	}
	if at.Attempt < attempts {
		at.State, at.RetryAt = mlops.RunQueued, now.Add(doubled(backoff, at.Attempt-1))
		at.Reason = fmt.Sprintf("attempt %d of %d: %s", at.Attempt, attempts, reason)
		return at
	}
	at.State, at.Reason = mlops.RunFailed, reason
	if attempts > 1 {
		at.Reason = fmt.Sprintf("failed %d times; the last time it %s", attempts, reason)
	}
	return at
}

// doubled is a duration doubled some times, up to maxBackoff.
func doubled(d time.Duration, times int) time.Duration {
	for range times {
		if d >= maxBackoff {
			break
		}
		d *= 2
	}
	return min(d, maxBackoff)
}

// lastLines is the end of a log, to be put behind a reason.
func lastLines(log string) string {
	tail := process.Tail(log, reasonTail)
	if tail == "" {
		return "; it wrote no log"
	}
	return fmt.Sprintf("; the end of its log (%s):\n%s", log, tail)
}

func cachedOutputs(at store.Step) map[string]store.CachedOutput {
	out := make(map[string]store.CachedOutput, len(at.Paths))
	for _, name := range slices.Sorted(maps.Keys(at.Paths)) {
		out[name] = store.CachedOutput{Path: at.Paths[name], Digest: at.Outputs[name]}
	}
	return out
}
