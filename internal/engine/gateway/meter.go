package gateway

import (
	"sync"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Meter measures the requests that a Variant, or a Shadow, gets while it is in
// force: those that came before it, or come after, are none of its. It is safe
// for concurrent use.
type Meter struct {
	mu       sync.Mutex
	done     tally
	underWay map[*Passage]struct{}
}

// Passage is one request of a meter.
type Passage struct {
	meter *Meter
	began time.Time
}

// NewMeter returns a meter that has counted nothing.
func NewMeter() *Meter { return &Meter{underWay: map[*Passage]struct{}{}} }

// Begin notes a request that came at a time. A nil meter measures nothing.
func (m *Meter) Begin(at time.Time) *Passage {
	if m == nil {
		return nil
	}
	p := &Passage{m, at}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.underWay[p] = struct{}{}
	return p
}

// End counts the request, which took until now.
func (p *Passage) End(failed bool) {
	if p == nil {
		return
	}
	p.meter.mu.Lock()
	defer p.meter.mu.Unlock()
	delete(p.meter.underWay, p)
	p.meter.done.add(failed, time.Since(p.began))
}

// Abandon forgets the request: it went elsewhere.
func (p *Passage) Abandon() {
	if p == nil {
		return
	}
	p.meter.mu.Lock()
	defer p.meter.mu.Unlock()
	delete(p.meter.underWay, p)
}

// Reading is what a meter has measured.
type Reading struct {
	mlops.Figures

	// Unanswered is how many requests are under way that Figures do not count.
	Unanswered int

	done tally
}

// Read returns what was measured until now. Requests that are under way for
// longer than slow count with the time that they have taken so far: a server
// that never answers has figures too. A slow of 0 counts none of them.
func (m *Meter) Read(slow time.Duration) Reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := Reading{done: m.done.clone()}
	for p := range m.underWay {
		if took := time.Since(p.began); slow > 0 && took > slow {
			r.done.add(false, took)
		} else {
			r.Unanswered++
		}
	}
	r.Figures = r.done.figures()
	return r
}

// Above counts the requests that took longer than a limit.
func (r Reading) Above(limit time.Duration) int64 { return r.done.above(limit) }
