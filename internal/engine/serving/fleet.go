package serving

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
)

// waitingRequests is how many requests of one variant wait for a server.
const waitingRequests = 1000

// fleet is the model servers of one variant with one content.
type fleet struct {
	e       *endpoint
	launch  launch
	drain   time.Duration // longest wait for the requests in flight of a server that is to end
	pool    *gateway.Pool
	ctx     context.Context //nolint:containedctx // of its servers' supervision
	stop    context.CancelCauseFunc
	servers sync.WaitGroup

	mu       sync.Mutex
	bounds   bounds
	startup  time.Duration
	scaler   scaler
	replicas []*replica // oldest first
	crashes  int        // in a row, without any server that became ready
	failure  error      // the last crash
	deaths   int        // crashes, ever
	last     error      // of them
	floor    int        // least servers while a rollout may need them
	resting  bool       // down by the endpoint's schedule
	served   bool       // was in force, and is kept warm
	changed  chan struct{}
}

func (e *endpoint) newFleet(v planned, drain time.Duration) *fleet {
	f := &fleet{
		e: e, launch: launchOf(e.id.Name(), v), drain: drain,
		pool:    gateway.NewPool(waitingRequests, func() { poke(e.s.scaleNow) }),
		changed: make(chan struct{}),
	}
	f.ctx, f.stop = context.WithCancelCause(e.s.ctx)
	f.rebound(v)
	return f
}

// rebound gives a fleet the bounds of a plan and returns the former ones.
func (f *fleet) rebound(v planned) bounds {
	f.mu.Lock()
	f.startup = v.share.Startup.Or(defaultStartup)
	f.mu.Unlock()
	return f.setBounds(boundsOf(v.share.Scaling))
}

func (f *fleet) setBounds(b bounds) bounds {
	f.mu.Lock()
	former := f.bounds
	f.bounds = b
	f.mu.Unlock()
	f.scale(min(f.size(), int(b.high)))
	return former
}

// size is how many servers there should be.
func (f *fleet) size() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.replicas)
}

// scale starts servers, or begins to drain and end the newest, until there are
// n. It does not wait.
func (f *fleet) scale(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.replicas) < n {
		f.add(f.newReplica())
	}
	for len(f.replicas) > n {
		last := len(f.replicas) - 1
		f.replicas[last].stop(errRetired)
		f.replicas = f.replicas[:last]
	}
}

// add supervises a server from now on, whatever becomes of the caller.
//
//nolint:contextcheck,nolintlint // a server outlives the change that starts it
func (f *fleet) add(r *replica) {
	f.replicas = append(f.replicas, r)
	ctx, stop := context.WithCancelCause(f.ctx)
	r.stop = stop
	f.e.own(r.dir)
	f.servers.Add(1)
	f.e.s.loops.Go(func() {
		defer f.servers.Done()
		defer stop(nil)
		r.supervise(ctx)
	})
}

// await returns when n servers are ready, or with the reason why they will not
// be.
func (f *fleet) await(ctx context.Context, n int) error {
	for {
		f.mu.Lock()
		crashes, failure, changed := f.crashes, f.failure, f.changed
		f.mu.Unlock()
		if f.pool.Look().Ready >= n {
			return nil
		}
		if crashes >= fastCrashes {
			return failure
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// crashed notes that a server failed, for good if there is no use in starting
// it again.
func (f *fleet) crashed(failure error, hopeless bool) {
	f.e.log.Warn("model server failed", "variant", f.launch.variant, "error", failure)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.crashes++
	if hopeless {
		f.crashes = max(f.crashes, fastCrashes)
	}
	f.failure, f.last = failure, failure
	f.deaths++
	f.announce()
}

// fate is how often a server of the fleet failed, and how the last one did.
func (f *fleet) fate() (deaths int, last error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.deaths, f.last
}

// hold keeps the fleet from being scaled below a size, until it is called with
// 0.
func (f *fleet) hold(size int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.floor = size
}

// rest begins to end all servers. The fleet has none until it is woken.
func (f *fleet) rest() {
	f.mu.Lock()
	f.resting = true
	f.mu.Unlock()
	f.scale(0)
}

// wake ends a rest.
func (f *fleet) wake() {
	f.mu.Lock()
	rested, least := f.resting, int(f.bounds.low)
	f.resting = false
	f.mu.Unlock()
	if rested {
		f.scale(least)
	}
}

// keepWarm leaves a fleet that no longer serves as many servers as going back
// to it needs at once.
func (f *fleet) keepWarm() {
	f.mu.Lock()
	f.served = true
	least := f.bounds.atOnce()
	f.mu.Unlock()
	f.scale(least)
}

// isWarm reports whether the fleet was in force and has been kept warm since.
func (f *fleet) isWarm() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.served
}

// takeOver notes that the fleet is in force.
func (f *fleet) takeOver() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.served = false
}

// becameReady notes that a server is in the pool.
func (f *fleet) becameReady() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.crashes, f.failure = 0, nil
	f.announce()
}

func (f *fleet) announce() {
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fleet) startupTimeout() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.startup
}

// anyReady returns the address and log of a ready server, or of one that is
// not with an empty address.
func (f *fleet) anyReady() (address, log string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.replicas {
		log = r.log
		if port := r.readyPort.Load(); port != 0 {
			return addressOf(int(port)), log
		}
	}
	return "", log
}

// python makes the environment that the fleet's servers run in.
func (f *fleet) python(ctx context.Context) (pyenv.Env, error) {
	if len(f.launch.model.Packages) == 0 {
		return pyenv.Env{}, nil
	}
	env, err := f.e.s.Python.Ensure(ctx, f.launch.model.Packages)
	if err != nil {
		return env, fmt.Errorf("make the Python environment of its model server: %w", err)
	}
	return env, nil
}
