package serving

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestRollback changes an endpoint to something broken while requests come in.
func TestRollback(t *testing.T) {
	t.Parallel()
	late := func(_ *mlops.ModelEndpointSpec, v *mlops.Variant) { v.Startup = mlops.Duration(300 * time.Millisecond) }
	strict := func(s *mlops.ModelEndpointSpec, _ *mlops.Variant) {
		s.SmokeTest = &mlops.SmokeTest{Request: `{"x": 1}`, Status: 418}
	}
	tests := []struct {
		name   string
		change []func(*mlops.ModelEndpointSpec, *mlops.Variant)
		want   []string
		not    string
	}{
		{"exits at start", []func(*mlops.ModelEndpointSpec, *mlops.Variant){env("BEHAVIOUR", "exit")}, []string{`variant "main"`, "exited with status 3", "cannot load the model"}, "too early"},
		{"never answers", []func(*mlops.ModelEndpointSpec, *mlops.Variant){env("BEHAVIOUR", "deaf"), late}, []string{"not ready within", "300ms", "loading for ever"}, ""},
		{"fails the smoke test", []func(*mlops.ModelEndpointSpec, *mlops.Variant){strict}, []string{"smoke test failed", "expected status 418, got 200", "two"}, ""},
		{"uses too much memory", []func(*mlops.ModelEndpointSpec, *mlops.Variant){func(_ *mlops.ModelEndpointSpec, v *mlops.Variant) {
			v.Compute = &mlops.Compute{Memory: 1000} // less than any process has
			v.Env["BEHAVIOUR"] = "deaf"
		}}, []string{"of memory where"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := started(t)
			good := spec(b.version("1", "one"))
			b.ready(good)
			pid := b.wantModel("one")
			stop := b.load()
			change := b.accept(spec(b.version("2", "two"), tt.change...))
			o := b.settled(good.ID())
			stop()
			if change.Revision == mlops.DigestOf(good) {
				t.Error("the change has the revision of what was in force")
			}
			if o.Phase != mlops.PhaseReady || o.Revision != mlops.DigestOf(good) {
				t.Errorf("%s at %s; want ready at the old revision", o.Phase, o.Revision)
			}
			for _, w := range tt.want {
				if !strings.Contains(o.Reason, w) {
					t.Errorf("reason %q lacks %q", o.Reason, w)
				}
			}
			if tt.not != "" && strings.Contains(o.Reason, tt.not) {
				t.Errorf("reason %q has more of the log than its end", o.Reason)
			}
			if d := cmp.Diff(good, o.Spec); d != "" {
				t.Errorf("spec in force (-want +got):\n%s", d)
			}
			if now := b.wantModel("one"); now != pid {
				t.Errorf("server %d was replaced by %d", pid, now)
			}
			eventually(t, "the failed servers are gone", func() bool { return len(b.servers()) == 2 })
			b.ready(spec(b.id("2")))
			b.wantModel("two")
		})
	}
}

func (b *bench) id(version string) mlops.ID { return modelID.Child(mlops.NounModelVersion, version) }

// load makes requests until the returned function is called, which reports any
// that failed.
func (b *bench) load() (stop func()) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	var wg sync.WaitGroup
	var served, failed atomic.Int64
	for range 3 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if status, answer := request(b.t, "http://"+b.Address()+"/dev/churn", "x"); status == http.StatusOK { //nolint:contextcheck // requests in flight are to be answered
					served.Add(1)
				} else {
					failed.Add(1)
					b.t.Logf("request failed: %d %s", status, answer)
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	return func() {
		b.t.Helper()
		before := served.Load()
		eventually(b.t, "requests after the change", func() bool { return served.Load() > before+5 || failed.Load() > 0 })
		cancel()
		wg.Wait()
		if failed.Load() > 0 {
			b.t.Errorf("%d of %d requests failed", failed.Load(), failed.Load()+served.Load())
		}
	}
}

// TestRollUnderLoad changes the version several times, with slow requests in
// flight, and loses none.
func TestRollUnderLoad(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	b.version("2", "two")
	slow := env("DELAY", "100ms")
	b.ready(spec(b.id("1"), slow))
	stop := b.load()
	for range 2 {
		b.ready(spec(b.id("2"), slow))
		b.wantModel("two")
		b.ready(spec(b.id("1"), slow))
		b.wantModel("one")
	}
	stop()
	eventually(t, "old servers are gone", func() bool { return len(b.servers()) == 2 })
}

func TestNewEndpointThatFails(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	bad := spec(b.id("1"), env("BEHAVIOUR", "exit"))
	o := b.apply(bad)
	if o.Phase != mlops.PhaseFailed || o.Revision != mlops.DigestOf(bad) || !strings.Contains(o.Reason, "cannot load the model") {
		t.Errorf("%s at %s because %q", o.Phase, o.Revision, o.Reason)
	}
	if len(o.Status.Serving) != 0 {
		t.Errorf("serves %v", o.Status.Serving)
	}
	b.ready(spec(b.id("1")))
	b.wantModel("one")
}

// TestUnchangedServersStay changes everything that needs no new process.
func TestUnchangedServersStay(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	pid := func() int32 { t.Helper(); return b.wantModel("one") }
	b.ready(spec(b.id("1")))
	first := pid()
	s := spec(b.id("1"), func(s *mlops.ModelEndpointSpec, v *mlops.Variant) {
		s.Description, s.Labels = "other", map[string]string{"a": "b"}
		s.Capture, s.Timeout = &mlops.Capture{SamplePercent: 10}, mlops.Duration(time.Second)
		v.Startup = mlops.Duration(time.Minute)
	})
	b.ready(s)
	if now := pid(); now != first {
		t.Errorf("server %d was replaced by %d", first, now)
	}
	two := s
	two.Variants = map[string]mlops.Variant{"main": s.Variants["main"], "other": {Version: b.id("1"), Traffic: 0}}
	b.ready(two)
	if now := pid(); now != first {
		t.Errorf("server %d was replaced by %d", first, now)
	}
	b.ready(spec(b.id("1"), scaling(2, 2, 8, 0)))
	o := b.get(two.ID())
	if o.Status.Replicas["main"] != 2 || !running(first) {
		t.Errorf("replicas %v, first server running: %t", o.Status.Replicas, running(first))
	}
	b.ready(spec(b.id("1"), env("ANY", "thing")))
	eventually(t, "the server with the old environment is gone", func() bool { return !running(first) })
}

func TestWeights(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	b.version("2", "two")
	s := spec(b.id("1"))
	s.Variants = map[string]mlops.Variant{"a": {Version: b.id("1"), Traffic: 90}, "b": {Version: b.id("2"), Traffic: 10}}
	b.ready(s)
	const n = 500
	two := 0
	for range n {
		if _, model, _ := b.ask("", "x"); model == "two" {
			two++
		}
	}
	if two < 16 || two > 84 { // five standard deviations around 50
		t.Errorf("%d of %d requests to a variant with 10 %%", two, n)
	}
}

// TestSuperseded accepts a change while another one hangs.
func TestSuperseded(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	b.version("2", "two")
	b.ready(spec(b.id("1")))
	b.accept(spec(b.id("2"), env("BEHAVIOUR", "deaf")))
	eventually(t, "the change is under way", func() bool { return strings.Contains(b.get(spec(b.id("1")).ID()).Reason, "ready") })
	b.ready(spec(b.id("2")))
	b.wantModel("two")
	eventually(t, "only the newest server is left", func() bool { return len(b.servers()) == 2 })

	b.accept(spec(b.id("1"), env("BEHAVIOUR", "deaf")))
	b.ready(spec(b.id("2"))) // back to what is in force
	b.wantModel("two")
	b.accept(spec(b.id("1"), env("BEHAVIOUR", "deaf")))
	b.remove(spec(b.id("1")).ID())
	b.noServers()
}

// TestNewSmokeTestIsRun changes nothing but the smoke test: what serves already
// must pass it too.
func TestNewSmokeTestIsRun(t *testing.T) {
	t.Parallel()
	b := started(t)
	good := spec(b.version("1", "one"))
	b.ready(good)
	pid := b.wantModel("one")
	strict := good
	strict.SmokeTest = &mlops.SmokeTest{Request: `{"x": 1}`, Status: 418}
	b.accept(strict)
	if o := b.settled(good.ID()); o.Revision != mlops.DigestOf(good) || !strings.Contains(o.Reason, "expected status 418, got 200") {
		t.Errorf("revision %s, reason %q; want the old one, and why", o.Revision, o.Reason)
	}
	kind := good
	kind.SmokeTest = &mlops.SmokeTest{Request: `{"x": 1}`, Status: http.StatusOK}
	b.ready(kind)
	if now := b.wantModel("one"); now != pid {
		t.Errorf("server %d was replaced by %d for a smoke test", pid, now)
	}
}
