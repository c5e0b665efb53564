package kubernetes

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/promtest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// slow is how long a bad server takes.
const slow = 300 * time.Millisecond

// proxiedServer answers with a code, after a while, behind Knative's proxy, which it is
// asked through until the test ends.
func (s serving) proxiedServer(code int, took time.Duration) *promtest.Proxy {
	s.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(took)
		w.WriteHeader(code)
	}))
	s.Cleanup(server.Close)
	p := promtest.NewProxy(s, server.URL)
	s.load(p.URL)
	return p
}

// scrapedAs is what the scrape of a pod of a revision adds, as a monitor's ServiceMonitor
// has it.
func (s serving) scrapedAs(revision string) map[string]string {
	return map[string]string{"namespace": s.namespace, "pod": revision + "-deployment-6b5d7c9f4-x2x8q"}
}

// countedByKnative is an environment in Knative mode, whose Prometheus begins when the
// test says what it scrapes: that has the environment's name on it.
func countedByKnative(t *testing.T) (s serving, scrape func(promtest.Config) *promtest.Server) {
	t.Helper()
	var to atomic.Pointer[httputil.ReverseProxy]
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if proxy := to.Load(); proxy != nil {
			proxy.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(front.Close)
	scrape = func(c promtest.Config) *promtest.Server {
		t.Helper()
		server := promtest.Start(t, c)
		at, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		to.Store(httputil.NewSingleHostReverseProxy(at))
		return server
	}
	return newServerless(t, mlops.Settings{targetPrometheus: front.URL}), scrape
}

// TestKnativeJudgedByFigures proves that a rollout in Knative mode is judged by what
// Knative's own proxy counts of requests that are really sent, under the names that its
// exporter gives, as a real Prometheus scrapes them: of the new revision alone, however
// the old one does. So is the health of its endpoint.
func TestKnativeJudgedByFigures(t *testing.T) { //nolint:tparallel // alerts are looked at when both rollouts are over
	t.Parallel()
	s, scrape := countedByKnative(t)
	good, bad := s.proxiedServer(http.StatusOK, 0), s.proxiedServer(http.StatusInternalServerError, slow)
	const old, made = "-predictor-00001", "-predictor-00002"
	server := scrape(promtest.Config{Target: bad.Target, Labels: s.scrapedAs("better" + old), Others: []promtest.Scraped{
		{Target: good.Target, Labels: s.scrapedAs("better" + made)},
		{Target: good.Target, Labels: s.scrapedAs("worse" + old)},
		{Target: bad.Target, Labels: s.scrapedAs("worse" + made)},
		{Target: good.Target, Labels: s.scrapedAs("fine" + made)},
	}})
	percent := 5.0
	for _, tt := range []struct{ name, want string }{{name: "better"}, {"worse", "requests failed, more than max_error_percent = 5"}} {
		t.Run(tt.name, func(t *testing.T) {
			s := serving{t, s.kind, s.shelf, s.environment, s.namespace}
			spec := s.endpoint(tt.name, s.version("custom", "s3://bucket/a"))
			s.ready(s.create(spec), spec)
			next := s.endpoint(tt.name, s.version("custom", "s3://bucket/b"))
			next.Rollout = &mlops.Rollout{
				Strategy: mlops.RolloutCanary, Steps: []int64{20}, Bake: mlops.Duration(time.Second),
				Gates: &mlops.Gates{MaxErrorPercent: &percent, MinRequests: 5, Wait: mlops.Duration(time.Minute)},
			}
			seen, err := s.rolled(next)
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				s.ready(seen, next)
			} else if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the rollout ended with %v, want %q", err, tt.want)
			}
		})
	}
	for endpoint, want := range map[string]string{"fine": "", "worse": alertErrors + " " + alertLatency} {
		if got := s.unhealthy(server, endpoint); got != want {
			t.Errorf("alerts of %s: %q, want %q", endpoint, got, want)
		}
	}
}

// unhealthy are the alerts of health that a server would fire now. Fast enough is no
// matter of a server that answers at once: the machine is busy.
func (s serving) unhealthy(server *promtest.Server, endpoint string) string {
	s.Helper()
	place := watchScene(mlops.Settings{targetMode: modeKnative, targetPrometheus: server.URL})
	place.namespace = s.namespace
	percent := 1.0
	spec := watchSpec()
	spec.Endpoint = s.environment.Child(mlops.NounModelEndpoint, endpoint)
	spec.Health = &mlops.HealthCheck{MaxErrorPercent: &percent, MinRequests: 1}
	if endpoint == "worse" {
		spec.Health.MaxP99 = mlops.Duration(slow / 2)
	}
	var fired []string
	for _, r := range place.healthRules(spec, time.Now().Add(-2*time.Hour)) {
		if len(server.Ask(s, r.Query)) > 0 {
			fired = append(fired, r.Alert)
		}
	}
	return strings.Join(fired, " ")
}
