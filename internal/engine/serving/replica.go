package serving

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/process"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// replica is one place for a model server: a process, and after a crash the
// next one.
type replica struct {
	f         *fleet
	dir       string // records; its name begins with variant and content
	log       string
	stop      context.CancelCauseFunc
	adopted   *process.Handle // found alive, not yet supervised
	port      int
	readyPort atomic.Int64 // port while ready, else 0
}

// replicaRecord is what is kept of a replica beside its process's own record.
type replicaRecord struct {
	Port int `json:"port"`
}

func addressOf(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// supervise keeps a server running until ctx ends, and then ends it, or leaves
// it to the next engine.
func (r *replica) supervise(ctx context.Context) {
	defer r.f.e.disown(r.dir)
	for crashes := 0; ctx.Err() == nil; {
		lived := r.live(ctx)
		if lived >= r.f.e.s.pace.settled {
			crashes = 0
		}
		crashes++
		sleep(ctx, r.f.e.s.pace.backOff(crashes))
	}
	if !errors.Is(context.Cause(ctx), errDetached) {
		if r.adopted != nil { // it was time to end before there was time to supervise
			r.adopted.Stop(context.WithoutCancel(ctx), r.f.e.s.pace.grace)
		}
		if err := os.RemoveAll(r.dir); err != nil {
			r.f.e.log.Warn("remove a model server's records", "error", err)
		}
	}
}

// live takes one process from start to end. It returns how long it was ready.
func (r *replica) live(ctx context.Context) time.Duration {
	h, err := r.open(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.f.crashed(r.f.complain("its model server cannot be started: "+mlops.Message(err), ""), false)
		}
		return 0
	}
	defer r.f.e.s.ports.release(r.port)
	if err := r.untilReady(ctx, h); err != nil {
		r.end(ctx, h, nil)
		if ctx.Err() == nil {
			_, late := errors.AsType[*lateError](err)
			r.f.crashed(r.f.complain(err.Error(), r.log), late)
		}
		return 0
	}
	u := gateway.NewUpstream(addressOf(r.port))
	r.f.pool.Add(u)
	r.readyPort.Store(int64(r.port))
	r.f.becameReady()
	began := time.Now()
	err = r.watch(ctx, h, u)
	r.readyPort.Store(0)
	r.end(ctx, h, u)
	if ctx.Err() == nil {
		r.f.crashed(r.f.complain(err.Error(), r.log), false)
	}
	return time.Since(began)
}

// open returns the replica's process: the one that was found, or a new one.
func (r *replica) open(ctx context.Context) (*process.Handle, error) {
	if h := r.adopted; h != nil {
		r.adopted = nil
		r.f.e.s.ports.hold(r.port)
		return h, nil
	}
	python, err := r.f.python(ctx)
	if err != nil {
		return nil, err
	}
	if r.port, err = r.f.e.s.ports.take(ctx); err != nil {
		return nil, err
	}
	spec := func() (process.Spec, error) { return r.f.launch.process(python, r.dir, r.log, r.port) }
	h, err := r.start(spec) //nolint:contextcheck // the process is to outlive the engine
	if err != nil {
		r.f.e.s.ports.release(r.port)
	}
	return h, err
}

func (r *replica) start(spec func() (process.Spec, error)) (*process.Handle, error) {
	for _, dir := range []string{r.dir, filepath.Dir(r.log)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	b, err := json.Marshal(replicaRecord{Port: r.port})
	if err != nil {
		return nil, err
	}
	// Before the process: one that is found always has its port.
	if err := os.WriteFile(recordFile(r.dir), b, 0o600); err != nil {
		return nil, err
	}
	s, err := spec()
	if err != nil {
		return nil, err
	}
	return process.Start(s)
}

// lateError is a server that is not ready in time. Starting it again would take
// as long again.
type lateError struct{ after time.Duration }

func (e *lateError) Error() string {
	return fmt.Sprintf("its model server was not ready within the startup timeout of %s", e.after)
}

// untilReady looks at a starting server until it is ready, has ended, or is
// late.
func (r *replica) untilReady(ctx context.Context, h *process.Handle) error {
	limit := r.f.startupTimeout()
	late := time.NewTimer(limit)
	defer late.Stop()
	for began := time.Now(); ; {
		if r.probe(ctx) && !ended(h) {
			return nil
		}
		pace := r.f.e.s.pace
		pause := time.NewTimer(min(max(time.Since(began)/20, pace.probeFirst), pace.probeSlowest))
		select {
		case <-pause.C:
			continue
		case <-h.Done():
			pause.Stop()
			return fmt.Errorf("its model server %s before it was ready", h.Exit())
		case <-late.C:
			pause.Stop()
			return &lateError{limit}
		case <-ctx.Done():
			pause.Stop()
			return context.Cause(ctx)
		}
	}
}

func ended(h *process.Handle) bool {
	select {
	case <-h.Done():
		return true
	default:
		return false
	}
}

// watch returns when a ready server has ended or stopped answering, or when ctx
// ends.
func (r *replica) watch(ctx context.Context, h *process.Handle, u *gateway.Upstream) error {
	look := time.NewTicker(r.f.e.s.pace.health)
	defer look.Stop()
	for failed := 0; ; {
		select {
		case <-h.Done():
			return fmt.Errorf("its model server %s", h.Exit())
		case <-ctx.Done():
			return context.Cause(ctx)
		case now := <-look.C:
			rotate(r.log)
			// Answered requests are proof enough, and a busy server may be late
			// with a look.
			if r.f.pool.Answered(u).After(now.Add(-r.f.e.s.pace.health)) || r.probe(ctx) {
				failed = 0
				continue
			}
			if failed++; failed >= unhealthyLooks && ctx.Err() == nil {
				return errors.New("its model server stopped answering")
			}
		}
	}
}

// end takes a server out of the pool and ends its process with all its
// children, unless it is left to the next engine. One that is no longer needed
// finishes its requests first; one that failed is not given the time.
func (r *replica) end(ctx context.Context, h *process.Handle, u *gateway.Upstream) {
	cause := context.Cause(ctx)
	if errors.Is(cause, errDetached) {
		return
	}
	var drained <-chan struct{}
	if u != nil {
		drained = r.f.pool.Remove(u)
	}
	if cause == nil {
		h.Stop(context.WithoutCancel(ctx), 0)
		return
	}
	if errors.Is(cause, errRetired) && drained != nil && !ended(h) {
		r.untilDrained(h, drained)
	}
	h.Stop(context.WithoutCancel(ctx), r.f.e.s.pace.grace)
}

func (r *replica) untilDrained(h *process.Handle, drained <-chan struct{}) {
	limit := time.NewTimer(r.f.drain)
	defer limit.Stop()
	select {
	case <-drained:
	case <-limit.C:
	case <-h.Done():
	case <-r.f.e.s.ctx.Done(): // the gateway has finished all requests
	}
}
