package serving

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// change is a change of a spec with one variant.
type change = func(*mlops.ModelEndpointSpec, *mlops.Variant)

// rolled gives a spec a rollout.
func rolled(r mlops.Rollout) change {
	return func(s *mlops.ModelEndpointSpec, _ *mlops.Variant) { s.Rollout = &r }
}

const never = mlops.Duration(time.Hour) // ends before the test does

// senders sends requests at a rate, whether or not earlier ones were answered,
// and notes who answered what.
type senders struct {
	t      *testing.T
	url    string
	client *http.Client
	stop   context.CancelFunc
	done   sync.WaitGroup

	mu      sync.Mutex
	answers map[string]int   // by model and status, or what went wrong
	pids    map[string]int32 // by model
}

// send sends requests until the test or the returned senders stop.
func (b *bench) send(rate int) *senders {
	b.t.Helper()
	ctx, stop := context.WithCancel(b.t.Context())
	s := &senders{
		t: b.t, url: "http://" + b.Address() + "/dev/churn", stop: stop, answers: map[string]int{}, pids: map[string]int32{},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}, Timeout: patience},
	}
	b.t.Cleanup(s.end)
	s.done.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				s.done.Go(s.one)
			}
		}
	})
	return s
}

// one makes one request, which is answered even if the senders stop.
func (s *senders) one() {
	resp, err := s.client.Post(s.url, "text/plain", strings.NewReader("x"))
	if err != nil {
		s.note("error "+err.Error(), 0)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	fields := strings.Fields(string(body))
	if err != nil || len(fields) < 2 {
		s.note(fmt.Sprintf("status %d: %s %v", resp.StatusCode, body, err), 0)
		return
	}
	pid, _ := strconv.ParseInt(fields[1], 10, 32)
	s.note(fmt.Sprintf("%s %d", fields[0], resp.StatusCode), int32(pid))
}

func (s *senders) note(answer string, pid int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[answer]++
	if model, _, ok := strings.Cut(answer, " "); ok && pid != 0 {
		s.pids[model] = pid
	}
}

// end stops the senders and waits for the last answers.
func (s *senders) end() {
	s.stop()
	s.done.Wait()
	s.client.CloseIdleConnections()
}

// seen returns how often a model answered with a status, and with which process
// last.
func (s *senders) seen(model string, status int) (n int, pid int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answers[fmt.Sprintf("%s %d", model, status)], s.pids[model]
}

// wantOnly fails the test unless all answers are of these kinds.
func (s *senders) wantOnly(kinds ...string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for answer, n := range s.answers {
		if !slices.Contains(kinds, answer) {
			s.t.Errorf("%d answers %q; want only %v", n, answer, kinds)
		}
	}
}

// percents follows an endpoint until it is settled, and returns the shares that
// its new versions had.
func (b *bench) percents(id mlops.ID) (shares []int64, last Observed) {
	b.t.Helper()
	eventually(b.t, "the endpoint is settled", func() bool {
		last = b.get(id)
		if r := last.Status.Rollout; r != nil && last.Phase == mlops.PhasePending && r.Step > 0 && !slices.Contains(shares, r.Percent) {
			shares = append(shares, r.Percent)
		}
		return last.Phase != mlops.PhasePending
	})
	return shares, last
}

func TestStrategies(t *testing.T) {
	t.Parallel()
	bake := mlops.Duration(400 * time.Millisecond)
	gates := &mlops.Gates{MaxErrorPercent: new(0.0), MaxP99: mlops.Duration(20 * time.Second), MinRequests: 3, SmokeTest: true}
	tests := []struct {
		name    string
		rollout mlops.Rollout
		want    []int64
	}{
		{"canary", mlops.Rollout{Strategy: "canary", Steps: []int64{20, 60}}, []int64{20, 60}},
		{"linear", mlops.Rollout{Strategy: "linear", Increment: 34}, []int64{34, 68}},
		{"blue_green", mlops.Rollout{Strategy: "blue_green"}, []int64{100}},
		{"shadow", mlops.Rollout{Strategy: "shadow", Steps: []int64{90}}, []int64{90}},
		{"all_at_once", mlops.Rollout{Strategy: "all_at_once"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := started(t)
			b.version("1", "one")
			b.version("2", "two")
			smoke := func(s *mlops.ModelEndpointSpec, _ *mlops.Variant) {
				s.SmokeTest = &mlops.SmokeTest{Request: `{"x":1}`, Status: http.StatusOK}
			}
			b.ready(spec(b.id("1"), smoke))
			tt.rollout.Bake = bake
			if tt.want != nil {
				tt.rollout.Gates = gates
			}
			next := spec(b.id("2"), smoke, rolled(tt.rollout))
			traffic := b.send(100)
			change := b.accept(next)
			shares, o := b.percents(next.ID())
			traffic.end()
			traffic.wantOnly("one 200", "two 200")
			if d := cmp.Diff(tt.want, shares); d != "" {
				t.Errorf("shares (-want +got):\n%s", d)
			}
			if o.Phase != mlops.PhaseReady || o.Revision != change.Revision || o.Reason != "" {
				t.Fatalf("%s at %s because %q", o.Phase, o.Revision, o.Reason)
			}
			r := o.Status.Rollout
			if r.State != mlops.RolloutDone || r.Percent != 100 || r.Revision != change.Revision || r.Strategy != tt.name || r.Steps != int64(len(tt.want)) || r.Step != r.Steps {
				t.Errorf("rollout %+v", r)
			}
			if least := time.Duration(len(tt.want)) * time.Duration(bake); r.EndedAt.Sub(r.StartedAt) < least {
				t.Errorf("it took %s, less than all bakes", r.EndedAt.Sub(r.StartedAt))
			}
			if tt.want != nil && (r.Figures.Requests < gates.MinRequests || r.Figures.P50 <= 0) {
				t.Errorf("figures of the last step: %s", r.Figures)
			}
			serves := map[string]mlops.Serving{"main": {Version: b.id("2"), Digest: mlops.DigestOf("two"), Traffic: 100}}
			if d := cmp.Diff(serves, r.Candidate); d != "" {
				t.Errorf("candidate (-want +got):\n%s", d)
			}
			if d := cmp.Diff(serves, o.Status.Serving, cmpopts.IgnoreTypes(time.Time{})); d != "" {
				t.Errorf("serving (-want +got):\n%s", d)
			}
			since, answers := o.Status.Serving["main"].Since, r.StartedAt
			if tt.name == "shadow" || tt.want == nil { // nobody saw an answer of it before the end
				answers = r.EndedAt.Add(-time.Second)
			}
			if since.Before(answers) || since.After(r.EndedAt) || tt.want != nil && tt.name != "shadow" && since.After(r.StepAt) {
				t.Errorf("it serves since %s, with a rollout from %s to %s whose last step began at %s", since, r.StartedAt, r.EndedAt, r.StepAt)
			}
			if v := o.Status.Previous["main"].Version; v != b.id("1") {
				t.Errorf("previous %v", o.Status.Previous)
			}
			b.wantModel("two")
		})
	}
}

// TestShadowIsNotSeen leaves a shadow that hangs where it is for a while: no
// request is answered by it, or waits for it.
func TestShadowIsNotSeen(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	b.version("2", "two")
	b.ready(spec(b.id("1")))
	b.accept(spec(b.id("2"), env("DELAY", "10m"), rolled(mlops.Rollout{
		Strategy: "shadow", Bake: never, Gates: &mlops.Gates{MaxP99: never},
	})))
	eventually(t, "the shadow gets copies", func() bool { r := b.get("local/dev/endpoints/churn").Status.Rollout; return r != nil && r.Step == 1 })
	traffic := b.send(200)
	eventually(t, "500 answers", func() bool { n, _ := traffic.seen("one", 200); return n >= 500 })
	traffic.end()
	traffic.wantOnly("one 200")
	b.remove("local/dev/endpoints/churn")
	b.noServers()
}

// TestGates breaks each gate while requests come in: what was in force serves
// on, and the reason has the step and what was measured.
func TestGates(t *testing.T) {
	t.Parallel()
	short, ms := mlops.Duration(300*time.Millisecond), func(n int) mlops.Duration { return mlops.Duration(time.Duration(n) * time.Millisecond) }
	canary := func(g mlops.Gates, bake mlops.Duration) change {
		return rolled(mlops.Rollout{Strategy: "canary", Steps: []int64{30}, Bake: bake, Gates: &g})
	}
	smoke := func(s *mlops.ModelEndpointSpec, _ *mlops.Variant) {
		s.SmokeTest = &mlops.SmokeTest{Request: `{"x":1}`, Status: http.StatusOK}
	}
	failing, slow := env("SPOILS_AFTER", "0"), env("DELAY", "80ms")
	tests := []struct {
		name    string
		changes []change
		rate    int
		want    []string // in the reason
		may     []string // answers beside those of the old version
	}{
		{
			"errors",
			[]change{failing, canary(mlops.Gates{MaxErrorPercent: new(5.0)}, short)},
			100,
			[]string{"step 1 of 1 (canary, 30 % of requests on the new versions)", "100.00 % of", "max_error_percent = 5", "100.00 % failed"},
			[]string{"two 500"},
		},
		{
			"errors, at once although the bake is long",
			[]change{failing, canary(mlops.Gates{MaxErrorPercent: new(0.0), MinRequests: 5}, never)},
			100,
			[]string{"max_error_percent = 0", "of 1h0m0s"},
			[]string{"two 500"},
		},
		{"p50", []change{slow, canary(mlops.Gates{MaxP50: ms(40)}, short)}, 100, []string{"max_p50 = 40ms"}, []string{"two 200"}},
		{"p95", []change{slow, canary(mlops.Gates{MaxP95: ms(40)}, short)}, 100, []string{"max_p95 = 40ms"}, []string{"two 200"}},
		{"p99", []change{slow, canary(mlops.Gates{MaxP99: ms(40)}, short)}, 100, []string{"max_p99 = 40ms"}, []string{"two 200"}},
		{
			"too few requests",
			[]change{canary(mlops.Gates{MinRequests: 1000, Wait: short}, short)},
			20,
			[]string{"too few requests", "min_requests = 1000", "measured"},
			[]string{"two 200"},
		},
		{
			"smoke test",
			[]change{smoke, env("SPOILS_AFTER", "1"), rolled(mlops.Rollout{Strategy: "canary", Steps: []int64{1}, Bake: short, Gates: &mlops.Gates{SmokeTest: true}})},
			1,
			[]string{"step 1 of 1", "smoke test failed", "expected status 200, got 500"},
			[]string{"two 500"},
		},
		{
			"blue_green",
			[]change{failing, rolled(mlops.Rollout{Strategy: "blue_green", Bake: never, Gates: &mlops.Gates{MaxErrorPercent: new(0.0)}})},
			100,
			[]string{"step 1 of 1 (blue_green, all requests on the new versions)", "100.00 % failed"},
			[]string{"two 500"},
		},
		{
			"linear",
			[]change{slow, rolled(mlops.Rollout{Strategy: "linear", Increment: 40, Bake: short, Gates: &mlops.Gates{MaxP99: ms(40), MinRequests: 2}})},
			100,
			[]string{"step 1 of 2 (linear, 40 %"},
			[]string{"two 200"},
		},
		{
			"shadow",
			[]change{failing, rolled(mlops.Rollout{Strategy: "shadow", Bake: short, Gates: &mlops.Gates{MaxErrorPercent: new(1.0), MinRequests: 5}})},
			100,
			[]string{"step 1 of 1 (shadow, 100 % of requests copied to the new versions)", "100.00 % failed"},
			nil,
		},
		{
			"shadow that hangs",
			[]change{env("DELAY", "10m"), rolled(mlops.Rollout{Strategy: "shadow", Bake: short, Gates: &mlops.Gates{MaxP99: ms(100)}})},
			100,
			[]string{"max_p99 = 100ms"},
			nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := started(t)
			b.version("1", "one")
			b.version("2", "two")
			good := spec(b.id("1"), func(s *mlops.ModelEndpointSpec, v *mlops.Variant) {
				s.SmokeTest = spec(b.id("1"), tt.changes...).SmokeTest // proven once, so that nothing but the version is new
			})
			b.ready(good)
			pid := b.wantModel("one")
			traffic := b.send(tt.rate)
			change := b.accept(spec(b.id("2"), tt.changes...))
			o := b.settled(good.ID())
			before, _ := traffic.seen("one", 200)
			eventually(t, "requests after the rollback", func() bool { n, _ := traffic.seen("one", 200); return n > before })
			traffic.end()
			traffic.wantOnly(append(tt.may, "one 200")...)
			for _, w := range tt.want {
				if !strings.Contains(o.Reason, w) {
					t.Errorf("reason %q lacks %q", o.Reason, w)
				}
			}
			if o.Phase != mlops.PhaseReady || o.Revision != mlops.DigestOf(good) || o.Status.Serving["main"].Version != b.id("1") {
				t.Errorf("%s at %s serving %v; want the old", o.Phase, o.Revision, o.Status.Serving)
			}
			r := o.Status.Rollout
			if r == nil || r.State != mlops.RolloutRolledBack || r.Revision != change.Revision || r.Percent != 0 || r.Step != 1 || r.Reason != o.Reason || r.EndedAt.IsZero() {
				t.Errorf("rollout %+v", r)
			}
			if now := b.wantModel("one"); now != pid {
				t.Errorf("server %d was replaced by %d", pid, now)
			}
			eventually(t, "the failed servers are gone", func() bool { return len(b.servers()) == 2 })
		})
	}
}

// TestNewServerDies kills a new server in the middle of a step.
func TestNewServerDies(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	b.version("2", "two")
	good := spec(b.id("1"))
	b.ready(good)
	traffic := b.send(100)
	b.accept(spec(b.id("2"), rolled(mlops.Rollout{Strategy: "canary", Steps: []int64{30}, Bake: never})))
	eventually(t, "the new version answers", func() bool { n, _ := traffic.seen("two", 200); return n > 5 })
	_, pid := traffic.seen("two", 200)
	if err := syscall.Kill(int(pid), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	o := b.settled(good.ID())
	if o.Revision != mlops.DigestOf(good) || !strings.Contains(o.Reason, "a new model server failed") || !strings.Contains(o.Reason, "step 1 of 1") {
		t.Errorf("%s because %q", o.Revision, o.Reason)
	}
	before, _ := traffic.seen("one", 200)
	eventually(t, "requests after the rollback", func() bool { n, _ := traffic.seen("one", 200); return n > before+20 })
	traffic.end()
	for answer, n := range traffic.answers {
		// Those that the killed server was at are lost with it, and no others.
		if lost := strings.Contains(answer, "502"); answer != "one 200" && answer != "two 200" && (!lost || n > 5) {
			t.Errorf("%d answers %q", n, answer)
		}
	}
}

// TestRolloutIsSuperseded accepts changes in the middle of a step.
func TestRolloutIsSuperseded(t *testing.T) {
	t.Parallel()
	b := started(t)
	for v, content := range map[string]string{"1": "one", "2": "two", "3": "three"} {
		b.version(v, content)
	}
	first := spec(b.id("1"))
	b.ready(first)
	traffic := b.send(100)
	half := rolled(mlops.Rollout{Strategy: "canary", Steps: []int64{50}, Bake: never})
	underWay := func(model string) {
		t.Helper()
		before, _ := traffic.seen(model, 200)
		eventually(t, model+" answers", func() bool { n, _ := traffic.seen(model, 200); return n > before })
	}
	two := spec(b.id("2"), half)
	b.accept(two)
	underWay("two")
	b.accept(spec(b.id("3"), half))
	underWay("three")
	if o := b.get(first.ID()); o.Status.Serving["main"].Version != b.id("1") || o.Status.Rollout.Candidate["main"].Version != b.id("3") {
		t.Errorf("serving %v, candidate %v", o.Status.Serving, o.Status.Rollout.Candidate)
	}
	eventually(t, "the servers of the first change are gone", func() bool { return len(b.servers()) == 4 })
	b.ready(first) // back to what is in force
	b.wantModel("one")
	eventually(t, "only what is in force is left", func() bool { return len(b.servers()) == 2 })
	b.accept(two)
	underWay("two")
	traffic.end()
	traffic.wantOnly("one 200", "two 200", "three 200")
	b.remove(first.ID())
	b.noServers()
}

// TestNothingToJudge makes changes that need no step, with a bake that the test
// would not live to see.
func TestNothingToJudge(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	b.version("2", "two")
	careful := rolled(mlops.Rollout{Strategy: "canary", Bake: never, Gates: &mlops.Gates{MinRequests: 1000}})
	s := spec(b.id("1"), careful)
	first := b.ready(s).Status.Serving["main"].Since // the first version: there is nothing to go back to
	s.Labels, s.Description = map[string]string{"a": "b"}, "other"
	b.ready(s)
	s.Variants = map[string]mlops.Variant{"main": s.Variants["main"], "idle": {Version: b.id("2"), Traffic: 0}}
	b.ready(s) // new, but without requests
	s.Variants = map[string]mlops.Variant{"main": s.Variants["main"], "idle": s.Variants["idle"]}
	main, idle := s.Variants["main"], s.Variants["idle"]
	main.Traffic, idle.Traffic = 50, 50
	s.Variants = map[string]mlops.Variant{"main": main, "idle": idle}
	o := b.ready(s) // only weights
	if serving := o.Status.Serving; first.IsZero() || !serving["main"].Since.Equal(first) || !serving["idle"].Since.After(first) {
		t.Errorf("serving %+v; want main since %s, and idle since it has requests", serving, first)
	}
	if len(o.Status.Rollout.Candidate) != 0 || o.Status.Rollout.Steps != 0 {
		t.Errorf("rollout %+v", o.Status.Rollout)
	}
}

// TestCanaryOfOneVariantAmongTwo rolls one of two variants: the other one keeps
// its share throughout, and is not judged.
func TestCanaryOfOneVariantAmongTwo(t *testing.T) {
	t.Parallel()
	b := started(t)
	for v, content := range map[string]string{"1": "one", "2": "two", "3": "three"} {
		b.version(v, content)
	}
	s := spec(b.id("1"))
	s.Variants = map[string]mlops.Variant{"a": {Version: b.id("1"), Traffic: 50}, "b": {Version: b.id("2"), Traffic: 50, Env: map[string]string{}}}
	b.ready(s)
	next := s
	next.Rollout = &mlops.Rollout{Strategy: "canary", Steps: []int64{50}, Bake: never}
	next.Variants = maps.Clone(s.Variants)
	next.Variants["b"] = mlops.Variant{Version: b.id("3"), Traffic: 50}
	b.accept(next)
	eventually(t, "the step is under way", func() bool { r := b.get(s.ID()).Status.Rollout; return r != nil && r.Step == 1 })
	const n = 800
	counts := map[string]int{}
	for range n {
		_, model, _ := b.ask("", "x")
		counts[model]++
	}
	// Five standard deviations of a binomial distribution.
	for model, want := range map[string]int{"one": 400, "two": 200, "three": 200} {
		if got := counts[model]; got < want-72 || got > want+72 {
			t.Errorf("%d of %d answers by %s, want about %d", got, n, model, want)
		}
	}
	eventually(t, "the new version's requests are counted", func() bool {
		return b.get(s.ID()).Status.Rollout.Figures.Requests == int64(counts["three"])
	})
}
