package kubernetes

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/promtest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// measured is a server "a" whose requests a test counts, and what Prometheus makes of
// them.
type measured struct {
	*testing.T

	mesh   *promtest.Mesh
	server *promtest.Server
	kind   modelEndpointKind
	scene  scene
	counts map[int]int // by code, since the gateway's start
}

func newMeasured(t *testing.T) *measured {
	t.Helper()
	mesh := promtest.NewMesh(t)
	server := promtest.Start(t, promtest.Config{Target: mesh.URL})
	return &measured{
		t, mesh, server,
		modelEndpointKind{backend: openAs("us")},
		watchScene(mlops.Settings{targetPrometheus: server.URL}),
		map[int]int{},
	}
}

// sent counts requests, and waits until Prometheus has scraped them.
func (m *measured) sent(code, n int, took time.Duration) {
	m.Helper()
	m.mesh.Sent(m.scene.namespace, predictor("a"), code, n, took)
	m.counts[code] += n
	m.server.Wait(m, fmt.Sprintf("%s == %d", requestsSent(m.scene.namespace, "a", code), m.counts[code]))
}

// now is a time after which nothing was counted yet, and which is so far back that it
// does not matter how long a query takes.
func (m *measured) now() time.Time {
	m.Helper()
	now := time.Now()
	m.server.Wait(m, fmt.Sprintf("vector(time()) > %d", now.Add(3*time.Second).Unix()))
	return now
}

// is insists on the figures since a time.
func (m *measured) is(since time.Time, want mlops.Figures) {
	m.Helper()
	got, err := m.kind.measure(m.Context(), m.scene, predictor("a"), since)
	if err != nil {
		m.Fatal(err)
	}
	for _, d := range []*mlops.Duration{&got.P50, &got.P95, &got.P99} {
		*d = mlops.Duration(time.Duration(*d).Round(time.Microsecond))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		m.Errorf("figures (-want +got):\n%s", diff)
	}
}

// TestFigures proves that a variant's figures are those of the requests that were really
// counted since a time, to the last one, by a real server that scrapes them: also of a
// counter that is not there before it counts, and of one that begins anew.
func TestFigures(t *testing.T) {
	t.Parallel()
	m := newMeasured(t)
	began := m.now()
	m.is(began, mlops.Figures{})
	m.sent(200, 93, 20*time.Millisecond)
	m.sent(500, 5, 20*time.Millisecond)
	m.sent(0, 2, 2*time.Second)
	micro := func(n int64) mlops.Duration { return mlops.Duration(time.Duration(n) * time.Microsecond) }
	// Quantiles are Prometheus' own, between the bounds of Envoy's buckets.
	m.is(began, mlops.Figures{Requests: 100, Errors: 7, P50: micro(17_653), P95: micro(24_541), P99: micro(1_750_000)})
	later := m.now()
	m.is(later, mlops.Figures{})
	m.sent(200, 3, 20*time.Millisecond)
	m.is(later, mlops.Figures{Requests: 3, P50: micro(17_500), P95: micro(24_250), P99: micro(24_850)})
	m.mesh.Restart()
	clear(m.counts)
	anew := m.now()
	m.sent(200, 2, 20*time.Millisecond)
	m.is(anew, mlops.Figures{Requests: 2, P50: micro(17_500), P95: micro(24_250), P99: micro(24_850)})
}

// TestWakes proves that what KEDA goes by wakes a server with the first request that was
// ever sent to it, and lets one sleep that nobody has asked.
func TestWakes(t *testing.T) {
	t.Parallel()
	m := newMeasured(t)
	query := m.scene.inFlight("a", &mlops.Scaling{Min: new(int64)})
	if got := m.server.Ask(t, query); len(got) != 1 || got[0].Value != 0 {
		t.Errorf("of a server that was never asked it is %v, want 0", got)
	}
	m.sent(503, 1, time.Millisecond)
	if got := m.server.Ask(t, query); len(got) != 1 || got[0].Value <= 0 {
		t.Errorf("of one that was asked once it is %v, want more than 0", got)
	}
}

// TestFiguresUnavailable proves that a server that does not answer is told from one that
// has nothing to say, which only the second's gates may be judged by.
func TestFiguresUnavailable(t *testing.T) {
	t.Parallel()
	k, s := modelEndpointKind{backend: openAs("us")}, watchScene(mlops.Settings{targetPrometheus: "http://127.0.0.1:1"})
	if _, err := k.measure(t.Context(), s, predictor("a"), time.Now()); !k.is(err, mlops.Unavailable) || !strings.Contains(err.Error(), "http://127.0.0.1:1") {
		t.Errorf("it says %v, want it to be unavailable, and where", err)
	}
}

// TestCanaryJudgedByFigures proves that the figures of requests that a gateway really
// sent, which a real Prometheus scraped, decide about a rollout: one that breaks its
// gates is stopped, in the words of the figures, with all traffic where it was.
func TestCanaryJudgedByFigures(t *testing.T) {
	t.Parallel()
	percent := 5.0
	for _, tt := range []struct {
		name string
		code int // of the new version's answers
		took time.Duration
		want []string // what the failure says; nil if there is none
	}{
		{name: "good", code: http.StatusOK, took: 20 * time.Millisecond},
		{name: "errors", code: http.StatusInternalServerError, took: 20 * time.Millisecond, want: []string{"max_error_percent", "100.00 % failed"}},
		{name: "slow", code: http.StatusOK, took: 2 * time.Second, want: []string{"max_p95", "2.425s"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mesh := promtest.NewMesh(t)
			s := newServing(t, mlops.Settings{targetPrometheus: promtest.Start(t, promtest.Config{Target: mesh.URL}).URL})
			spec := s.endpoint("canary", s.version("custom", "s3://bucket/a"))
			before := s.create(spec)
			s.ready(before, spec)
			old := predictor(s.services()[0])
			gateways.Answers(s.namespace, func(service string) int {
				code, took := http.StatusOK, 20*time.Millisecond
				if service != old {
					code, took = tt.code, tt.took
				}
				mesh.Sent(s.namespace, service, code, 1, took)
				return code
			})
			s.load(before.Status.URL)
			next := s.endpoint("canary", s.version("custom", "s3://bucket/b"))
			next.Rollout = &mlops.Rollout{
				Strategy: mlops.RolloutCanary, Steps: []int64{20}, Bake: mlops.Duration(3 * time.Second), KeepPrevious: new(mlops.Duration),
				Gates: &mlops.Gates{MaxErrorPercent: &percent, MaxP95: mlops.Duration(time.Second), MinRequests: 20, Wait: mlops.Duration(time.Minute)},
			}
			seen, err := s.rolled(next)
			if tt.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				s.ready(seen, next)
				return
			}
			for _, words := range tt.want {
				if err == nil || !strings.Contains(err.Error(), words) {
					t.Errorf("the rollout ended with %v, want %q", err, words)
				}
			}
			back := s.settle(spec.ID())
			if got := back.Status.Serving["main"]; len(back.Status.Serving) != 1 || got.Version != spec.Variants["main"].Version || got.Traffic != 100 {
				t.Errorf("it serves %+v, want what it served before", back.Status.Serving)
			}
		})
	}
}

// rolled brings an endpoint to a spec as the provider does, step by step.
func (s serving) rolled(spec mlops.ModelEndpointSpec) (endpointObserved, error) {
	s.Helper()
	target := lifecycle.Target[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{
		Kind: s.kind, Code: s.kind.Code, Backend: name, Noun: mlops.NounModelEndpoint, Capabilities: capabilities(),
	}
	return target.Update(s.Context(), spec.ID(), spec, func(mlops.Change) {})
}

// load asks an endpoint again and again until the test ends.
func (s serving) load(url string) {
	ctx, stop := context.WithCancel(s.Context())
	done := make(chan struct{})
	s.Cleanup(func() {
		stop()
		<-done
	})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
			if err != nil {
				return
			}
			if response, err := http.DefaultClient.Do(request); err == nil {
				_ = response.Body.Close()
			}
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
}
