package lifecycle

import (
	"context"
	"math/rand/v2"
	"time"
)

// How fast an object is looked at again. Readiness is noticed within a tenth of
// the time it took, or a second, whichever is longer. Looks take at most half of
// that: the other half is for the platform's looks at its own parts.
const (
	fastest = 50 * time.Millisecond
	slowest = 15 * time.Second
	prompt  = time.Second / 2 // never slower than this while the wait is young
	share   = 20              // afterwards, at most 1/share of the time waited so far
)

// How passing faults are outlasted: so many repeats, the pauses doubling from
// the first one. Together 7.75 s, enough for a restart of what answers.
const (
	patience   = 5
	firstPause = 250 * time.Millisecond
)

// pace spaces the looks of one wait.
type pace struct {
	start time.Time
	step  time.Duration
}

func newPace() *pace { return &pace{start: time.Now(), step: fastest} }

// next returns how long to rest before the next look, but not less than the
// platform's hint.
func (p *pace) next(hint time.Duration) time.Duration {
	limit := min(max(prompt, time.Since(p.start)/share), slowest)
	d := min(p.step, limit)
	p.step = min(p.step*3/2, slowest)
	return max(jitter(d), hint)
}

// pause returns how long to rest before repeating a call that met a passing
// fault for the nth time, counted from zero.
func pause(n int) time.Duration { return jitter(firstPause << n) }

// jitter takes up to a fifth off, so that waits that began together do not look
// together. It never adds: next's limit is a promise.
func jitter(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d)/5+1)) //nolint:gosec // spreads load, guards nothing
}

// rest waits, or returns the context's error as soon as it ends.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	return ctx.Err()
}

// persist makes a call, and again a few times while it meets passing faults.
func (t Target[Spec, Status]) persist(ctx context.Context, call func() error) error {
	for n := 0; ; n++ {
		err := call()
		if err == nil || n == patience || !t.passing(ctx, err) {
			return err
		}
		if rest(ctx, pause(n)) != nil {
			return err
		}
	}
}
