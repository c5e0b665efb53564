package kubernetes

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestKnativePlan proves that a plan refuses what one service of Knative's cannot have, at
// the attribute, and takes what it can.
func TestKnativePlan(t *testing.T) {
	t.Parallel()
	s := newServerless(t, nil)
	version := s.version("sklearn", "s3://bucket/a")
	for _, tt := range []struct {
		name string
		spec func(*mlops.ModelEndpointSpec)
		path string // "" where the plan is good
		want string
	}{
		{"good", func(*mlops.ModelEndpointSpec) {}, "", ""},
		{"canary with gates", func(s *mlops.ModelEndpointSpec) {
			s.Rollout = &mlops.Rollout{Strategy: mlops.RolloutCanary, Gates: &mlops.Gates{MaxErrorPercent: new(1.0)}}
		}, "", ""},
		{"variants", func(s *mlops.ModelEndpointSpec) {
			s.Variants = map[string]mlops.Variant{"a": {Version: version, Traffic: 50}, "b": {Version: version, Traffic: 50}}
		}, `variants["a"].traffic`, "endpoint_mode"},
		{"shadow", func(s *mlops.ModelEndpointSpec) {
			s.Rollout = &mlops.Rollout{Strategy: mlops.RolloutShadow}
		}, "rollout.strategy", "endpoint_mode"},
		{"kept", func(s *mlops.ModelEndpointSpec) {
			s.Rollout = &mlops.Rollout{Strategy: mlops.RolloutCanary, KeepPrevious: new(mlops.Duration(time.Minute))}
		}, "rollout.keep_previous", "endpoint_mode"},
		{"nothing kept", func(s *mlops.ModelEndpointSpec) {
			s.Rollout = &mlops.Rollout{Strategy: mlops.RolloutCanary, KeepPrevious: new(mlops.Duration)}
		}, "", ""},
		{"smoke test", func(s *mlops.ModelEndpointSpec) {
			s.SmokeTest = &mlops.SmokeTest{Request: "{}", Status: 200}
		}, "smoke_test", "endpoint_mode"},
		{"timeout", func(s *mlops.ModelEndpointSpec) { s.Timeout = mlops.Duration(1500 * time.Millisecond) }, "request_timeout", "seconds"},
		{"idle", func(s *mlops.ModelEndpointSpec) {
			v := s.Variants["main"]
			v.Scaling = &mlops.Scaling{Min: new(int64), IdleAfter: mlops.Duration(2 * time.Hour)}
			s.Variants["main"] = v
		}, `variants["main"].scaling.idle_after`, "at most 1h0m0s"},
		{"environment", func(s *mlops.ModelEndpointSpec) {
			v := s.Variants["main"]
			v.Env = map[string]string{"K_SERVICE": "mine"}
			s.Variants["main"] = v
		}, `variants["main"].env["K_SERVICE"]`, "Knative sets"},
		{"name", func(s *mlops.ModelEndpointSpec) { s.Name = strings.Repeat("n", longestKnative+1) }, "name", "at most 47"},
		{"share", func(s *mlops.ModelEndpointSpec) {
			s.Overrides = `{"InferenceService": {"spec": {"predictor": {"canaryTrafficPercent": 3}}}}`
		}, "overrides", "use rollout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			spec := s.endpoint("planned", version)
			tt.spec(&spec)
			c := mlops.NewChecker()
			if err := s.kind.Preflight(t.Context(), spec, c); err != nil {
				t.Fatal(err)
			}
			switch p := c.Problems(); {
			case tt.path == "" && len(p) > 0:
				t.Errorf("a good plan: %v", p)
			case tt.path != "" && (len(p) == 0 || p[0].Path.String() != tt.path || !strings.Contains(p[0].Detail, tt.want)):
				t.Errorf("problems %v, want one at %s with %q", p, tt.path, tt.want)
			}
		})
	}
}

// TestKnativeSettings proves which settings of an environment go with Knative mode.
func TestKnativeSettings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		settings mlops.Settings
		path     string
	}{
		{"standard", mlops.Settings{targetMode: modeStandard, targetGateway: "a/b", targetMetrics: metricsKServe}, ""},
		{"knative", mlops.Settings{targetMode: modeKnative, targetMetrics: metricsKnative}, ""},
		{"no such mode", mlops.Settings{targetMode: "serverless"}, "kubernetes.endpoint_mode"},
		{"gateway", mlops.Settings{targetMode: modeKnative, targetGateway: "a/b"}, "kubernetes.gateway"},
		{"domain", mlops.Settings{targetMode: modeKnative, targetDomain: "example.com"}, "kubernetes.endpoint_domain"},
		{"figures of the other mode", mlops.Settings{targetMetrics: metricsKnative}, "kubernetes.metrics"},
		{"figures that miss errors", mlops.Settings{targetMode: modeKnative, targetMetrics: metricsKServe}, "kubernetes.metrics"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := mlops.NewChecker()
			checkServing(c, tt.settings)
			var paths []string
			for _, p := range c.Problems() {
				paths = append(paths, p.Path.String())
			}
			if got := strings.Join(paths, " "); got != tt.path {
				t.Errorf("problems at %q, want %q", got, tt.path)
			}
		})
	}
}

// bareCluster is the tests' cluster as one is that has no Knative: what asks for it is
// not found.
func bareCluster(t *testing.T) *backend {
	t.Helper()
	return proxied(t, func(cluster http.Handler) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.URL.Path, "/apis/serving.knative.dev") {
				cluster.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}`))
		}
	})
}

// TestKnativeMissing proves that a plan of an endpoint in Knative mode says how Knative is
// installed where it is not.
func TestKnativeMissing(t *testing.T) {
	t.Parallel()
	s := newServerless(t, nil)
	spec := s.endpoint("planned", s.version("sklearn", "s3://bucket/a"))
	kind, _ := shelved{bareCluster(t), s.shelf}.ModelEndpoints().(modelEndpointKind)
	c := mlops.NewChecker()
	if err := kind.Preflight(t.Context(), spec, c); err != nil {
		t.Fatal(err)
	}
	if p := c.Problems(); len(p) != 1 || !strings.Contains(p[0].Detail, requirements()[needsKnative].install) {
		t.Errorf("problems %v, want how to install Knative", p)
	}
}

// TestKnativeShares proves what share a server has at first: what shares the traffic now
// hands none of it on to something that nobody asked for.
func TestKnativeShares(t *testing.T) {
	t.Parallel()
	form := func(latest string, share int64) endpointForm {
		variants := map[string]mlops.Variant{"main": {Traffic: share}, "old": {Traffic: 100 - share}}
		return endpointForm{Latest: latest, Servers: map[string]string{"main": latest, "old": "before"}, Spec: mlops.ModelEndpointSpec{Variants: variants}}
	}
	for _, tt := range []struct {
		name  string
		force *endpointForm
		live  knativeSeen
		asked endpointForm
		want  int64
	}{
		{"nothing serves", nil, knativeSeen{}, form("b", 100), 100},
		{"at once", new(form("a", 100)), knativeSeen{server: "a", share: 100}, form("b", 100), 100},
		{"first step", new(form("a", 100)), knativeSeen{server: "a", share: 100}, form("b", 10), 10},
		{"next step", new(form("b", 10)), knativeSeen{server: "b", share: 10}, form("b", 50), 10},
		{"back", new(form("b", 10)), knativeSeen{server: "b", share: 10}, form("a", 100), 0},
		{"back from what never came to serve", new(form("a", 100)), knativeSeen{server: "b", share: 100}, form("a", 100), 0},
		{"again", new(form("a", 100)), knativeSeen{server: "b", share: 10}, form("b", 10), 10},
		{"edited", new(form("a", 100)), knativeSeen{server: "a", share: 40}, form("a", 100), 100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.live.rolledOut = "r"
			e := endpointState{knative: &tt.live, facts: endpointFacts{Before: tt.force}}
			if got := e.firstShare(tt.asked); got != tt.want {
				t.Errorf("it has %d percent, want %d", got, tt.want)
			}
		})
	}
}
