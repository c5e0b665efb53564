package gateway

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// The reasons for which a request gets no replica.
var (
	errClosed   = errors.New("the variant is no longer served")
	errFull     = errors.New("too many requests are waiting for a replica already")
	errNotReady = errors.New("no replica became ready in time")
)

// Upstream is one replica that answers requests.
type Upstream struct {
	address string // host:port

	// Guarded by the pool's mutex.
	inFlight int
	answered time.Time
	leaving  bool
	drained  chan struct{}
}

// NewUpstream returns the replica that listens at an address, host:port.
func NewUpstream(address string) *Upstream {
	return &Upstream{address: address, drained: make(chan struct{})}
}

// Pool is the ready replicas of one variant, and the requests that wait for
// one. It is safe for concurrent use.
type Pool struct {
	queue int
	wake  func()

	mu        sync.Mutex
	upstreams []*Upstream
	next      int // where the search for the least loaded starts, so that equals take turns
	waiting   int
	closed    bool
	changed   chan struct{} // closed and replaced when a waiting request should look again
	inFlight  int
	used      time.Time     // last arrival or end of a request
	area      time.Duration // requests × time since the last Load
	areaFrom  time.Time     // begin of what area sums
	areaTo    time.Time     // end of what area sums
}

// NewPool returns an empty pool in which at most queue requests wait. wake,
// which may be nil, is called when a request begins to wait; it must not block.
func NewPool(queue int, wake func()) *Pool {
	now := time.Now()
	return &Pool{queue: queue, wake: wake, changed: make(chan struct{}), used: now, areaFrom: now, areaTo: now}
}

// Add puts a replica into the pool.
func (p *Pool) Add(u *Upstream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.upstreams = append(p.upstreams, u)
	p.announce()
}

// Remove takes a replica out of the pool. The channel is closed when the
// replica has no request in flight any more. Removing it again returns the
// same channel.
func (p *Pool) Remove(u *Upstream) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if u.leaving {
		return u.drained
	}
	u.leaving = true
	p.upstreams = slices.DeleteFunc(p.upstreams, func(v *Upstream) bool { return v == u })
	if u.inFlight == 0 {
		close(u.drained)
	}
	return u.drained
}

// Close sends the requests that wait, and those that come late, to whatever
// the endpoint's route is by now.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.announce()
}

// Load is how busy a pool is.
type Load struct {
	Ready       int       // replicas
	InFlight    int       // requests at replicas, now
	Waiting     int       // requests held, now
	Concurrency float64   // requests at replicas or held, averaged over the time since the last Load
	Used        time.Time // when a request last came or ended
}

// Load measures the pool and begins a new average. Its Concurrency serves one
// caller only, the autoscaler.
func (p *Pool) Load() Load {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.integrate(now)
	l := p.look()
	if span := now.Sub(p.areaFrom); span > 0 {
		l.Concurrency = float64(p.area) / float64(span)
	}
	p.area, p.areaFrom = 0, now
	return l
}

// Look is Load without the average.
func (p *Pool) Look() Load {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.look()
}

func (p *Pool) look() Load {
	return Load{Ready: len(p.upstreams), InFlight: p.inFlight, Waiting: p.waiting, Used: p.used}
}

// Answered is when a replica last finished a request; the zero time if never.
func (p *Pool) Answered(u *Upstream) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return u.answered
}

// acquire returns the replica with the fewest requests in flight, other than
// not, and counts one more; release must follow. If there is none it waits for
// at most hold.
func (p *Pool) acquire(ctx context.Context, hold time.Duration, not *Upstream) (*Upstream, error) {
	p.mu.Lock()
	u, err := p.take(not)
	if u != nil || err != nil {
		p.mu.Unlock()
		return u, err
	}
	if p.waiting >= p.queue {
		p.mu.Unlock()
		return nil, errFull
	}
	p.count(0, 1)
	changed := p.changed
	p.mu.Unlock()
	if p.wake != nil {
		p.wake()
	}
	return p.wait(ctx, hold, not, changed)
}

// wait is the slow half of acquire, for a request that was counted as waiting.
func (p *Pool) wait(ctx context.Context, hold time.Duration, not *Upstream, changed <-chan struct{}) (*Upstream, error) {
	timer := time.NewTimer(hold)
	defer timer.Stop()
	for {
		var late error
		select {
		case <-changed:
		case <-timer.C:
			late = errNotReady
		case <-ctx.Done():
			late = ctx.Err()
		}
		p.mu.Lock()
		u, err := p.take(not)
		if err == nil && u == nil {
			err = late
		}
		if u != nil || err != nil {
			p.count(0, -1)
			p.mu.Unlock()
			return u, err
		}
		changed = p.changed
		p.mu.Unlock()
	}
}

// take picks a replica and counts a request for it, if there is one.
func (p *Pool) take(not *Upstream) (*Upstream, error) {
	if p.closed {
		return nil, errClosed
	}
	var best *Upstream
	n := len(p.upstreams)
	for i := range n {
		u := p.upstreams[(p.next+i)%n]
		if u != not && (best == nil || u.inFlight < best.inFlight) {
			best = u
		}
	}
	if best == nil {
		return nil, nil //nolint:nilnil // neither a replica nor a reason not to wait for one
	}
	p.next++
	p.count(1, 0)
	best.inFlight++
	return best, nil
}

// release ends what acquire began.
func (p *Pool) release(u *Upstream, answered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count(-1, 0)
	u.inFlight--
	if answered {
		u.answered = p.used
	}
	if u.leaving && u.inFlight == 0 {
		close(u.drained)
	}
}

// integrate brings the sum of requests × time up to now, before either changes.
func (p *Pool) integrate(now time.Time) {
	p.area += time.Duration(p.inFlight+p.waiting) * now.Sub(p.areaTo)
	p.areaTo = now
}

// count changes the number of requests at replicas or held.
func (p *Pool) count(inFlight, waiting int) {
	now := time.Now()
	p.integrate(now)
	p.inFlight += inFlight
	p.waiting += waiting
	p.used = now
}

func (p *Pool) announce() {
	close(p.changed)
	p.changed = make(chan struct{})
}
