package serving

import (
	"context"
	"math"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
)

// autoscale keeps every fleet that gets requests at the size that its load asks for.
func (s *Service) autoscale(ctx context.Context) {
	tick := time.NewTicker(s.pace.scale)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.scaleNow:
			s.eachFleet((*fleet).awaken)
		case now := <-tick.C:
			s.eachFleet(func(f *fleet) { f.rescale(now) })
		}
	}
}

func (s *Service) eachFleet(do func(*fleet)) {
	s.mu.Lock()
	endpoints := make([]*endpoint, 0, len(s.endpoints))
	for _, e := range s.endpoints {
		endpoints = append(endpoints, e)
	}
	s.mu.Unlock()
	for _, e := range endpoints {
		for _, f := range e.busy() {
			do(f)
		}
	}
}

// awaken starts a server for a fleet that sleeps and has a request.
func (f *fleet) awaken() {
	f.mu.Lock()
	resting := f.resting
	f.mu.Unlock()
	if !resting && f.size() == 0 && f.pool.Look().Waiting > 0 && f.ctx.Err() == nil {
		f.scale(1)
	}
}

// rescale measures the load and gives the fleet the size for it.
func (f *fleet) rescale(now time.Time) {
	f.mu.Lock()
	b, size, floor, resting := f.bounds, len(f.replicas), f.floor, f.resting
	f.mu.Unlock()
	if f.ctx.Err() != nil || resting || (b.low == b.high && size == int(b.low)) {
		return
	}
	pace := f.e.s.pace
	want := max(floor, f.scaler.decide(now, f.pool.Load(), size, b, pace.scaleUp, pace.scaleDown))
	if want == size {
		return
	}
	f.e.log.Info("scaling", "variant", f.launch.variant, "from", size, "to", want)
	f.scale(want)
}

// scaler decides how many servers a fleet should have. More are wanted as soon
// as the load of the last moments asks for them; fewer only when fewer would
// have done for a while.
type scaler struct {
	began time.Time // of the first decision
	loads []sample  // requests in flight
	wants []sample  // servers that would have been right
}

type sample struct {
	at    time.Time
	value float64
}

// decide returns the number of servers for a load, within bounds.
func (s *scaler) decide(now time.Time, load gateway.Load, size int, b bounds, up, down time.Duration) int {
	s.loads = append(since(s.loads, now.Add(-up)), sample{now, load.Concurrency})
	right := math.Ceil(mean(s.loads) / float64(b.concurrency))
	s.wants = append(since(s.wants, now.Add(-down)), sample{now, right})
	if s.began.IsZero() {
		s.began = now
	}
	want := int(right)
	switch {
	case want < size && now.Sub(s.began) < down: // too little is known to have fewer
		want = size
	case want < size:
		want = min(size, int(largest(s.wants)))
	}
	busy := load.InFlight > 0 || load.Waiting > 0
	if b.low == 0 && !busy && (size == 0 || now.Sub(load.Used) >= b.idleAfter) {
		return 0
	}
	return b.clamp(max(1, want))
}

// since drops the samples before a time.
func since(s []sample, t time.Time) []sample {
	i := 0
	for i < len(s) && s[i].at.Before(t) {
		i++
	}
	return s[i:]
}

func mean(s []sample) float64 {
	var sum float64
	for _, v := range s {
		sum += v.value
	}
	return sum / float64(len(s))
}

func largest(s []sample) float64 {
	var m float64
	for _, v := range s {
		m = max(m, v.value)
	}
	return m
}
