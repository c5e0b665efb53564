package kubernetes

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// newServerless makes an environment whose endpoints are services of Knative's.
func newServerless(t *testing.T, settings mlops.Settings) serving {
	t.Helper()
	control.Start(t, kubetest.KServe, kubetest.Knative)
	all := mlops.Settings{targetMode: modeKnative, targetStorage: "s3://bucket", targetPrometheus: "http://prometheus.monitoring:9090"}
	maps.Copy(all, settings)
	return newServingBy(t, all)
}

// service is what KServe made of an endpoint.
func (s serving) service(endpoint string) *unstructured.Unstructured {
	s.Helper()
	return control.Get(s, s.knativeRef(endpoint))
}

func (s serving) knativeRef(service string) kubetest.Ref {
	return kubetest.Ref{Resource: "services.serving.knative.dev", Namespace: s.namespace, Name: predictor(service)}
}

// shares are the percentages of the traffic that the revisions of an endpoint have.
func (s serving) shares(endpoint string) map[string]int64 {
	s.Helper()
	traffic, _, _ := unstructured.NestedSlice(s.service(endpoint).Object, "status", "traffic")
	out := map[string]int64{}
	for _, one := range traffic {
		share, _ := one.(map[string]any)
		called, _ := share["revisionName"].(string)
		percent, _ := share["percent"].(int64)
		if percent > 0 {
			out[called] += percent
		}
	}
	return out
}

// TestKnativeEndpoint proves that an endpoint in Knative mode is one inference service,
// of which a change is a revision that comes to serve at the same URL.
func TestKnativeEndpoint(t *testing.T) {
	t.Parallel()
	s := newServerless(t, nil)
	spec := s.endpoint("iris", s.version("sklearn", "s3://bucket/a"))
	v := spec.Variants["main"]
	v.Scaling = &mlops.Scaling{Min: new(int64), Max: new(int64(4)), Concurrency: new(int64(5)), IdleAfter: mlops.Duration(10 * time.Minute)}
	spec.Variants["main"], spec.Timeout = v, mlops.Duration(90*time.Second)
	seen := s.create(spec)
	s.ready(seen, spec)
	if want := "http://iris-predictor." + s.namespace + ".knative.example.com"; seen.Status.URL != want || seen.Status.Replicas["main"] != 1 {
		t.Errorf("it is at %s with %v replicas, want %s with 1", seen.Status.URL, seen.Status.Replicas, want)
	}
	template, _, _ := unstructured.NestedMap(s.service("iris").Object, "spec", "template")
	notes, _, _ := unstructured.NestedStringMap(template, "metadata", "annotations")
	want := map[string]string{
		"autoscaling.knative.dev/min-scale": "0", "autoscaling.knative.dev/max-scale": "4", "autoscaling.knative.dev/metric": "concurrency",
		"autoscaling.knative.dev/target": "5", noteRetention: "600s",
	}
	got := maps.Clone(notes)
	maps.DeleteFunc(got, func(key string, _ string) bool { _, asked := want[key]; return !asked })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what Knative scales by (-want +got):\n%s", diff)
	}
	if seconds, _, _ := unstructured.NestedInt64(template, "spec", "timeoutSeconds"); seconds != 90 {
		t.Errorf("a request may take %d seconds, want 90", seconds)
	}

	next := s.endpoint("iris", s.version("sklearn", "s3://bucket/b"))
	after := s.update(next)
	s.ready(after, next)
	if diff := cmp.Diff(map[string]int64{"iris-predictor-00002": 100}, s.shares("iris")); diff != "" {
		t.Errorf("shares (-want +got):\n%s", diff)
	}
	if after.Status.URL != seen.Status.URL || after.Native["revision_main"] != "iris-predictor-00002" || len(s.services()) != 1 {
		t.Errorf("it is at %s as %v; there are %v", after.Status.URL, after.Native, s.services())
	}
	if diff := cmp.Diff(spec.Variants["main"].Version, after.Status.Previous["main"].Version); diff != "" {
		t.Errorf("what served before (-want +got):\n%s", diff)
	}
	control.Wait(t, kubetest.Ref{Resource: "deployments.apps", Namespace: s.namespace, Name: "iris-predictor-00001-deployment"}, "sleeps", func(o *unstructured.Unstructured) bool {
		replicas, _, _ := unstructured.NestedInt64(o.Object, "spec", "replicas")
		return replicas == 0 // it has no traffic
	})
	all, err := s.kind.List(t.Context(), s.environment)
	if err != nil || len(all) != 1 || all[0].Revision != revisionOf(next) || all[0].Phase != mlops.PhaseReady {
		t.Errorf("listed: %+v, %v", all, err)
	}
	server, err := modelVersionKind{s.kind.backend}.serverOf(t.Context(), next.Variants["main"].Version)
	if err != nil || server != next.ID() {
		t.Errorf("the version is served by %q, %v", server, err)
	}
}

// driven is how a rollout that the provider drives shares the traffic out, as Knative says.
func (s serving) driven(next mlops.ModelEndpointSpec) (shares []map[string]int64, seen endpointObserved, err error) {
	target := lifecycle.Target[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{
		Kind: s.kind, Code: s.kind.Code, Backend: name, Noun: mlops.NounModelEndpoint, Capabilities: capabilities(),
		Saw: func(seen endpointObserved) {
			if seen.Phase != mlops.PhaseReady {
				return
			}
			now := s.shares(next.Name)
			if len(shares) == 0 || !maps.Equal(shares[len(shares)-1], now) {
				shares = append(shares, now)
			}
		},
	}
	seen, err = target.Update(s.Context(), next.ID(), next, func(mlops.Change) {})
	return shares, seen, err
}

// TestKnativeCanary proves that a rollout in steps is one of KServe's own: the new
// revision has its share, and what served before the rest, until it has all.
func TestKnativeCanary(t *testing.T) {
	t.Parallel()
	s := newServerless(t, nil)
	spec := s.endpoint("canary", s.version("custom", "s3://bucket/a"))
	s.ready(s.create(spec), spec)
	second := s.endpoint("canary", s.version("custom", "s3://bucket/b"))
	s.ready(s.update(second), second) // KServe may go back to the one before the last
	next := s.endpoint("canary", s.version("custom", "s3://bucket/c"))
	next.Rollout = &mlops.Rollout{Strategy: mlops.RolloutCanary, Steps: []int64{10, 50}, Bake: mlops.Duration(time.Second)}
	shares, seen, err := s.driven(next)
	if err != nil {
		t.Fatal(err)
	}
	s.ready(seen, next)
	const old, made = "canary-predictor-00002", "canary-predictor-00003"
	want := []map[string]int64{{old: 100}, {old: 90, made: 10}, {old: 50, made: 50}, {made: 100}}
	if diff := cmp.Diff(want, shares); diff != "" {
		t.Errorf("shares (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(second.Variants["main"].Version, seen.Status.Previous["main"].Version); diff != "" {
		t.Errorf("what served before (-want +got):\n%s", diff)
	}
}

// TestKnativeCanaryGoesBack proves that a canary whose gates are not passed hands its
// share back to what served before, and to nothing else: not even for a moment.
func TestKnativeCanaryGoesBack(t *testing.T) {
	t.Parallel()
	s := newServerless(t, nil)
	spec := s.endpoint("back", s.version("custom", "s3://bucket/a"))
	s.ready(s.create(spec), spec)
	next := s.endpoint("back", s.version("custom", "s3://bucket/b"))
	next.Rollout = &mlops.Rollout{
		Strategy: mlops.RolloutCanary, Steps: []int64{10}, Bake: mlops.Duration(time.Second),
		Gates: &mlops.Gates{MaxErrorPercent: new(1.0), Wait: mlops.Duration(time.Second)}, // nobody measures here
	}
	shares, _, err := s.driven(next)
	if err == nil || !strings.Contains(err.Error(), "what served before has all of the traffic again") {
		t.Fatalf("error %v", err)
	}
	want := []map[string]int64{{"back-predictor-00001": 100}, {"back-predictor-00001": 90, "back-predictor-00002": 10}, {"back-predictor-00003": 100}}
	if diff := cmp.Diff(want, shares); diff != "" {
		t.Errorf("shares (-want +got):\n%s", diff)
	}
	seen, err := s.kind.Get(t.Context(), spec.ID())
	if err != nil {
		t.Fatal(err)
	}
	if seen.Phase != mlops.PhaseReady || seen.Status.Serving["main"].Version != spec.Variants["main"].Version || seen.Status.Serving["main"].Traffic != 100 {
		t.Errorf("it is %s and serves %+v", seen.Phase, seen.Status.Serving)
	}
}

// TestKnativeFailures proves that a change that does not work leaves what worked, which
// is then described again; and that an endpoint that never worked is failed.
func TestKnativeFailures(t *testing.T) {
	t.Parallel()
	s := newServerless(t, nil)
	good := s.endpoint("good", s.version("custom", "s3://bucket/a"))
	s.ready(s.create(good), good)
	bad := s.endpoint("good", s.version("custom", "s3://bucket/bad"))
	control.Play(t, s.namespace, func(pod *unstructured.Unstructured) kubetest.Outcome {
		if strings.Contains(jsonOf(t, pod.Object["spec"]), "s3://bucket/bad") {
			return kubetest.Outcome{Waiting: "ImagePullBackOff"}
		}
		return kubetest.Outcome{}
	})
	seen := s.update(bad)
	s.ready(seen, good)
	if !strings.Contains(seen.Reason, "ImagePullBackOff") {
		t.Errorf("it says %q", seen.Reason)
	}
	if diff := cmp.Diff(map[string]int64{"good-predictor-00003": 100}, s.shares("good")); diff != "" {
		t.Errorf("shares (-want +got):\n%s", diff)
	}
	broken := s.endpoint("broken", bad.Variants["main"].Version)
	seen = s.create(broken)
	if seen.Phase != mlops.PhaseFailed || !strings.Contains(seen.Reason, "ImagePullBackOff") || len(seen.Status.Serving) > 0 {
		t.Errorf("it is %s, because %q, and serves %v", seen.Phase, seen.Reason, seen.Status.Serving)
	}
	again := s.endpoint("good", s.version("custom", "s3://bucket/c"))
	s.ready(s.update(again), again)
}

// TestKnativeEdited proves that what somebody does to the inference service is shown, and
// put right by the next apply.
func TestKnativeEdited(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		do       func(s serving)
		want     string
		conflict bool
	}{
		{"deleted", func(s serving) {
			control.Delete(s, s.serviceRef("edited"))
			control.WaitGone(s, s.serviceRef("edited"))
		}, "is gone", false},
		{"edited", func(s serving) {
			control.Patch(s, s.serviceRef("edited"), `{spec: {predictor: {maxReplicas: 7}}}`)
		}, "somebody changed spec.predictor.maxReplicas", true},
		{"share", func(s serving) {
			control.Patch(s, s.serviceRef("edited"), `{spec: {predictor: {canaryTrafficPercent: 40}}}`)
		}, "canaryTrafficPercent", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServerless(t, nil)
			spec := s.endpoint("edited", s.version("custom", "s3://bucket/a"))
			s.ready(s.create(spec), spec)
			tt.do(s)
			seen := s.settle(spec.ID())
			if seen.Revision == revisionOf(spec) || !strings.Contains(seen.Reason, tt.want) {
				t.Errorf("it is at %q, because %q; want %q in that", seen.Revision, seen.Reason, tt.want)
			}
			if tt.conflict {
				if _, err := s.kind.Update(t.Context(), spec.ID(), spec); !s.kind.is(err, mlops.Conflict) || !strings.Contains(err.Error(), "(kubetest)") {
					t.Errorf("what somebody else set: %v", err)
				}
				s = s.forced()
			}
			s.ready(s.update(spec), spec)
		})
	}
}

// TestKnativeDelete proves that nothing is left of an endpoint that is deleted.
func TestKnativeDelete(t *testing.T) {
	t.Parallel()
	s := newServerless(t, nil)
	spec := s.endpoint("gone", s.version("custom", "s3://bucket/a"))
	seen := s.create(spec)
	s.ready(seen, spec)
	if err := s.kind.Delete(t.Context(), seen.Ref); err != nil {
		t.Fatal(err)
	}
	for range looks(2 * time.Minute) {
		now, err := s.kind.Get(t.Context(), seen.Ref)
		if s.kind.is(err, mlops.NotFound) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := s.advance(seen.Ref, now); err != nil && !s.kind.is(err, mlops.NotFound) {
			t.Fatal(err)
		}
	}
	record := kubetest.Ref{Resource: "configmaps", Namespace: s.namespace, Name: "endpoint-gone"}
	if names := s.services(); len(names) > 0 || control.Exists(t, record) {
		t.Errorf("left: %v, and perhaps the record", names)
	}
}

// proxied is the backend with something between it and the tests' cluster.
func proxied(t *testing.T, between func(cluster http.Handler) http.HandlerFunc) *backend {
	t.Helper()
	access := control.Access()
	to, err := url.Parse(access.Host)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	if proxy.Transport, err = rest.TransportFor(access.Config()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(between(proxy))
	t.Cleanup(server.Close)
	return open(mlops.Options{Owner: "us", Settings: mlops.Settings{settingHost: server.URL, settingCluster: testCluster}})
}

// TestKnativeKilled proves that a canary goes on where it was killed, after whichever of
// its writes: the next apply brings it to its end, and all of the traffic with it.
func TestKnativeKilled(t *testing.T) {
	t.Parallel()
	const writes = 12 // of three changes: the service and the record, when it begins and when it is moved
	for n := range writes {
		t.Run(fmt.Sprintf("write %d", n+1), func(t *testing.T) {
			t.Parallel()
			s := newServerless(t, nil)
			spec := s.endpoint("killed", s.version("custom", "s3://bucket/a"))
			s.ready(s.create(spec), spec)
			next := s.endpoint("killed", s.version("custom", "s3://bucket/b"))
			next.Rollout = &mlops.Rollout{Strategy: mlops.RolloutCanary, Steps: []int64{10, 50}, Bake: mlops.Duration(100 * time.Millisecond)}
			ctx, kill := context.WithCancel(t.Context())
			defer kill()
			var made atomic.Int64
			dying := proxied(t, func(cluster http.Handler) http.HandlerFunc {
				return func(w http.ResponseWriter, r *http.Request) {
					cluster.ServeHTTP(w, r)
					if r.Method != http.MethodGet && made.Add(1) == int64(n+1) {
						kill()
					}
				}
			})
			target := lifecycle.Target[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{
				Kind: shelved{dying, s.shelf}.ModelEndpoints(), Code: s.kind.Code, Backend: name, Noun: mlops.NounModelEndpoint, Capabilities: capabilities(),
			}
			_, err := target.Update(ctx, next.ID(), next, func(mlops.Change) {})
			if err == nil && n+1 < writes || made.Load() < int64(n+1) {
				t.Fatalf("it made %d writes, and ended with %v", made.Load(), err)
			}
			_, seen, err := s.driven(next)
			if err != nil {
				t.Fatal(err)
			}
			s.ready(seen, next)
			shares := s.shares("killed")
			if len(shares) != 1 || shares[seen.Native["revision_main"]] != 100 {
				t.Errorf("shares %v, and it runs as %v", shares, seen.Native)
			}
		})
	}
}
