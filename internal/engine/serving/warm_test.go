package serving

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// kept is a rollout that keeps what it replaces for a time.
func kept(d time.Duration) change {
	keep := mlops.Duration(d)
	return rolled(mlops.Rollout{Strategy: "all_at_once", KeepPrevious: &keep})
}

// TestKeepsUnlessTold proves that a rollout that does not say how long keeps what it
// replaced for the engine's own time: the change is over meanwhile.
func TestKeepsUnlessTold(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	b.version("2", "two")
	b.ready(spec(b.id("1")))
	b.ready(spec(b.id("2"), rolled(mlops.Rollout{Strategy: "all_at_once"})))
	if left := time.Until(b.warmUntil(b.churn())); left < keepSilent-time.Minute || left > keepSilent {
		t.Errorf("warm for another %s, want %s", left, keepSilent)
	}
}

// clock is a clock that tests set.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time                  { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) set(t time.Time)                 { c.ahead.Store(int64(time.Until(t))) }
func (c *clock) jump(d time.Duration)            { c.ahead.Add(int64(d)) }
func (c *clock) follow(s *Service)               { s.now = c.now }
func (b *bench) follow(c *clock) *clock          { b.start(c.follow); return c }
func slowStart(d time.Duration) change           { return env("SLOW_START", d.String()) }
func (b *bench) churn() mlops.ID                 { return environment.Child(mlops.NounModelEndpoint, "churn") }
func (b *bench) warmUntil(id mlops.ID) time.Time { return b.get(id).Status.PreviousUntil }

// TestGoingBackIsAtOnce replaces a version whose server takes its time to start,
// and goes back to it by a careful rollout: its server is still there, so that
// there is nothing to wait for, and nothing to prove.
func TestGoingBackIsAtOnce(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	b.version("2", "two")
	const start = 4 * time.Second
	careful := func(s *mlops.ModelEndpointSpec, _ *mlops.Variant) {
		s.Rollout = &mlops.Rollout{Strategy: "canary", Bake: never, Gates: &mlops.Gates{MinRequests: 1000}}
	}
	one := spec(b.id("1"), careful, slowStart(start), scaling(1, 3, 8, 0))
	b.ready(one)
	pid := b.wantModel("one")
	b.ready(spec(b.id("2"), kept(time.Hour), scaling(3, 3, 8, 0)))
	b.wantModel("two")
	if left := time.Until(b.warmUntil(one.ID())); left < 59*time.Minute || left > time.Hour {
		t.Errorf("warm for another %s, want an hour", left)
	}
	traffic := b.send(100)
	began := time.Now()
	o := b.ready(one)
	took := time.Since(began)
	traffic.end()
	traffic.wantOnly("one 200", "two 200")
	t.Logf("going back to a version whose server takes %s to start: %s", start, took)
	if took >= start/2 {
		t.Errorf("going back took %s; a new server would take %s", took, start)
	}
	if o.Status.Rollout.Steps != 0 || o.Status.Rollout.State != mlops.RolloutDone {
		t.Errorf("rollout %+v", o.Status.Rollout)
	}
	if now := b.wantModel("one"); now != pid { // two more are still starting
		t.Errorf("server %d answers; want %d, which did before", now, pid)
	}
	if v := o.Status.Previous["main"].Version; v != b.id("2") {
		t.Errorf("previous %v", o.Status.Previous)
	}
}

// TestWhatIsKeptWarmEnds follows the clock, across engines.
func TestWhatIsKeptWarmEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.follow(&clock{})
	b.version("1", "one")
	b.version("2", "two")
	one := spec(b.id("1"), scaling(1, 3, 8, 0))
	b.ready(one)
	pid := b.wantModel("one")
	b.ready(spec(b.id("2"), kept(time.Hour)))
	until := b.warmUntil(one.ID())

	b.close()
	b.follow(c)
	if !running(pid) || !b.warmUntil(one.ID()).Equal(until) {
		t.Errorf("another engine: warm until %s, running %t", b.warmUntil(one.ID()), running(pid))
	}
	b.suspend()
	if running(pid) {
		t.Error("an engine that is stopped leaves a warm server")
	}
	b.follow(c)
	eventually(t, "the warm server is started again", func() bool { return len(b.servers()) == 4 })
	b.wantModel("two")

	c.jump(59 * time.Minute)
	b.close()
	b.follow(c)
	if n := len(b.servers()); n != 4 {
		t.Errorf("%d processes before the time is over, want 4", n)
	}
	c.jump(2 * time.Minute)
	eventually(t, "what was warm has ended", func() bool { return len(b.servers()) == 2 && b.warmUntil(one.ID()).IsZero() })
	if v := b.get(one.ID()).Status.Previous["main"].Version; v != b.id("1") {
		t.Errorf("previous %v; want it known still", b.get(one.ID()).Status.Previous)
	}
	b.wantModel("two")
	b.close()
	c.jump(-24 * time.Hour) // a clock that is set back brings nothing back
	b.follow(c)
	if n := len(b.servers()); n != 2 {
		t.Errorf("%d processes, want 2", n)
	}
}

func TestWarmTimeThatIsOverWhileNoEngineRuns(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.follow(&clock{})
	b.version("1", "one")
	b.version("2", "two")
	b.ready(spec(b.id("1")))
	b.ready(spec(b.id("2"), kept(time.Minute)))
	b.close()
	c.jump(time.Hour)
	b.follow(c)
	eventually(t, "what was warm has ended", func() bool { return len(b.servers()) == 2 && b.warmUntil(b.churn()).IsZero() })
}

// TestOnlyTheLastIsKeptWarm makes changes one after the other.
func TestOnlyTheLastIsKeptWarm(t *testing.T) {
	t.Parallel()
	b := started(t)
	for v, content := range map[string]string{"1": "one", "2": "two", "3": "three"} {
		b.version(v, content)
	}
	b.ready(spec(b.id("1")))
	b.ready(spec(b.id("2"), kept(time.Hour)))
	s := spec(b.id("3"), kept(time.Hour))
	b.ready(s)
	eventually(t, "two versions are left", func() bool { return len(b.servers()) == 4 })
	until := b.warmUntil(b.churn())
	s.Description = "replaces no server"
	o := b.ready(s)
	if !o.Status.PreviousUntil.Equal(until) || o.Status.Previous["main"].Version != b.id("2") || len(b.servers()) != 4 {
		t.Errorf("previous %v until %s, %d processes", o.Status.Previous, o.Status.PreviousUntil, len(b.servers()))
	}
	// A way back that fails leaves what is warm warm, and one that is broken off too.
	failing := spec(b.id("2"), func(s *mlops.ModelEndpointSpec, _ *mlops.Variant) {
		s.SmokeTest = &mlops.SmokeTest{Request: "1", Status: http.StatusTeapot}
	})
	b.accept(failing)
	if o := b.settled(b.churn()); o.Revision != mlops.DigestOf(s) || !o.Status.PreviousUntil.Equal(until) || len(b.servers()) != 4 {
		t.Errorf("%s because %q, warm until %s, %d processes", o.Revision, o.Reason, o.Status.PreviousUntil, len(b.servers()))
	}
	s = spec(b.id("1"))
	o = b.ready(s) // which keeps nothing
	if !o.Status.PreviousUntil.IsZero() || o.Status.Previous["main"].Version != b.id("3") {
		t.Errorf("previous %v until %s", o.Status.Previous, o.Status.PreviousUntil)
	}
	eventually(t, "one version is left", func() bool { return len(b.servers()) == 2 })
	b.remove(b.churn())
	b.noServers()
}
