package serving

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// trial is one step of a rollout while it is observed.
type trial struct {
	gates *mlops.Gates
	bake  time.Duration
	look  time.Duration                            // between looks at the figures
	read  func(slow time.Duration) gateway.Reading // of the new versions, in this step
	dead  func() error                             // why a new server failed in this step, nil while none did
	seen  func(mlops.Figures)                      // told at each look
}

// observe returns nil when the step is passed, else what it broke. A gate that
// cannot be passed any more fails at once, and too few requests extend the step.
func (t *trial) observe(ctx context.Context) error {
	began := time.Now()
	for {
		if err := t.dead(); err != nil {
			return err
		}
		r, elapsed := t.read(t.slow()), time.Since(began)
		t.seen(r.Figures)
		passed, err := t.judge(r, elapsed)
		if passed || err != nil {
			return err
		}
		pause := t.look
		if left := t.bake - elapsed; left > 0 {
			pause = min(pause, left)
		}
		if sleep(ctx, pause); ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// judge looks at the figures of a part of the step.
func (t *trial) judge(r gateway.Reading, elapsed time.Duration) (passed bool, err error) {
	broken := t.gates.Judge(r.Figures)
	switch {
	case elapsed < t.bake:
		if t.gates.Enough(r.Figures) && len(broken) > 0 && t.hopeless(r, elapsed) {
			return false, fmt.Errorf("%s; measured %s in %s of %s", strings.Join(broken, "; "), r.Figures, tidy(elapsed), t.bake)
		}
		return false, nil
	case !t.enough(r):
		if wait := t.wait(); elapsed >= t.bake+wait {
			return false, fmt.Errorf("too few requests to judge in %s, %s longer than the bake: min_requests = %d, measured %s, %d not answered", tidy(elapsed), wait, t.gates.MinRequests, r.Figures, r.Unanswered)
		}
		return false, nil
	case len(broken) > 0:
		return false, fmt.Errorf("%s; measured %s in %s", strings.Join(broken, "; "), r.Figures, tidy(elapsed))
	}
	return true, nil
}

// enough reports whether there are as many requests as the gates need. Requests
// of which none is answered yet say nothing.
func (t *trial) enough(r gateway.Reading) bool {
	return t.gates == nil || t.gates.Enough(r.Figures) && (r.Requests > 0 || r.Unanswered == 0)
}

func (t *trial) wait() time.Duration { return t.gates.Wait.Or(mlops.DefaultGateWait) }

// hopeless reports whether a gate stays broken even if every request until the
// end of the bake is good, at the rate of requests so far.
func (t *trial) hopeless(r gateway.Reading, elapsed time.Duration) bool {
	total := float64(max(r.Requests, t.gates.MinRequests))
	if elapsed > 0 {
		total = max(total, float64(r.Requests)*float64(t.bake)/float64(elapsed))
	}
	if p := t.gates.MaxErrorPercent; p != nil && float64(r.Errors) > *p/100*total {
		return true
	}
	for _, q := range []struct {
		limit mlops.Duration
		share float64 // of requests that may take longer
	}{{t.gates.MaxP50, 0.5}, {t.gates.MaxP95, 0.05}, {t.gates.MaxP99, 0.01}} {
		if q.limit != 0 && float64(r.Above(time.Duration(q.limit))) > q.share*total {
			return true
		}
	}
	return false
}

// slow is from when on an unanswered request is known to break a limit: 0 if
// there is none.
func (t *trial) slow() time.Duration {
	if t.gates == nil {
		return 0
	}
	var least time.Duration
	for _, limit := range []mlops.Duration{t.gates.MaxP50, t.gates.MaxP95, t.gates.MaxP99} {
		if l := time.Duration(limit); l > 0 && (least == 0 || l < least) {
			least = l
		}
	}
	return least
}

// tidy rounds a duration for a sentence.
func tidy(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}
