package serving

import (
	"net/http"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestKilledInTheMiddleOfARollout kills an engine in the second of three steps:
// the next one goes on there, with the same servers, and not from the start.
func TestKilledInTheMiddleOfARollout(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.version("1", "one")
	b.version("2", "two")
	s := spec(b.id("1"))
	e, old := b.served(s)
	e.kill()
	next := spec(b.id("2"), rolled(mlops.Rollout{Strategy: "canary", Steps: []int64{10, 50, 90}, Bake: mlops.Duration(1500 * time.Millisecond)}))
	b.order(next)
	e = b.engine()
	var killed *mlops.RolloutStatus
	eventually(t, "the second step is under way", func() bool {
		killed = b.recorded(s.ID()).Status.Rollout
		return killed != nil && killed.Step == 2
	})
	before := b.servers()
	e.kill()

	b.start()
	traffic := b.send(100)
	var resumed *mlops.RolloutStatus
	eventually(t, "the step is taken up", func() bool {
		o := b.get(s.ID())
		if o.Phase != mlops.PhasePending {
			t.Fatalf("%s because %q; want it to go on", o.Phase, o.Reason)
		}
		resumed = o.Status.Rollout
		return resumed.StepAt.After(killed.StepAt)
	})
	if resumed.Step != 2 || resumed.Percent != 50 || !resumed.StartedAt.Equal(killed.StartedAt) {
		t.Errorf("it goes on as %+v after %+v", resumed, killed)
	}
	for _, p := range before {
		if !running(p) {
			t.Errorf("server %d was not taken over", p)
		}
	}
	o := b.settled(s.ID())
	traffic.end()
	traffic.wantOnly("one 200", "two 200")
	if n, pid := traffic.seen("one", 200); n == 0 || pid != old {
		t.Errorf("%d answers by the old server, of process %d; want %d", n, pid, old)
	}
	if o.Revision != mlops.DigestOf(next) || o.Status.Rollout.State != mlops.RolloutDone {
		t.Errorf("%s at %s because %q", o.Phase, o.Revision, o.Reason)
	}
	if took := o.Status.Rollout.EndedAt.Sub(resumed.StepAt); took < 3*time.Second {
		t.Errorf("two steps took %s, less than their bakes", took)
	}
}

// TestClosedInTheMiddleOfARollout lets an engine close in a step: the next one
// takes it up, whether or not the servers were ended with the first.
func TestClosedInTheMiddleOfARollout(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*bench){"close": (*bench).close, "suspend": (*bench).suspend} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := started(t)
			b.version("1", "one")
			b.version("2", "two")
			s := spec(b.id("1"))
			b.ready(s)
			b.accept(spec(b.id("2"), rolled(mlops.Rollout{Strategy: "blue_green", Bake: never})))
			two := func() bool { status, model, _ := b.ask("", "x"); return status == http.StatusOK && model == "two" }
			eventually(t, "the new version answers", two)
			end(b)
			b.start()
			if o := b.get(s.ID()); o.Phase != mlops.PhasePending || o.Status.Rollout.State != mlops.RolloutRunning || o.Status.Serving["main"].Version != b.id("1") {
				t.Errorf("%s, rollout %+v", o.Phase, o.Status.Rollout)
			}
			eventually(t, "the new version answers again", two)
			b.ready(s)
			b.wantModel("one")
		})
	}
}
