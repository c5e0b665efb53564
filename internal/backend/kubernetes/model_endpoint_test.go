package kubernetes

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// serving is an environment with endpoints in it, for one test.
type serving struct {
	*testing.T

	kind        modelEndpointKind
	shelf       *shelf
	environment mlops.ID
	namespace   string
}

// newServing makes an environment that endpoints can be in.
func newServing(t *testing.T, settings mlops.Settings) serving {
	t.Helper()
	control.Start(t, kubetest.KServe)
	all := servingSettings(t)
	maps.Copy(all, settings)
	return newServingBy(t, all)
}

// newServingBy makes an environment with some settings and no others.
func newServingBy(t *testing.T, settings mlops.Settings) serving {
	t.Helper()
	s := &shelf{versions: map[mlops.ID]mlops.ModelVersionSpec{}, models: map[mlops.ID]mlops.ModelSpec{}}
	b := openAs("us")
	namespace := kubetest.Name("serving")
	spec := mlops.EnvironmentSpec{
		ID: mlops.EnvironmentID(name, []string{testCluster}, namespace), Name: namespace, Stage: "dev",
		Target: mlops.Target{Backend: name, Settings: settings}, Labels: map[string]string{},
	}
	if _, err := b.Environments().Create(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	kind, _ := shelved{b, s}.ModelEndpoints().(modelEndpointKind)
	return serving{t, kind, s, spec.ID, namespace}
}

// forced is the same with a provider that takes over what others own.
func (s serving) forced() serving {
	b := openAs("us")
	b.options.Settings[settingForce] = true
	s.kind, _ = shelved{b, s.shelf}.ModelEndpoints().(modelEndpointKind)
	return s
}

// version registers a version of a format.
func (s serving) version(format, uri string) mlops.ID {
	s.Helper()
	spec := mlops.ModelVersionSpec{Model: s.environment.Child(mlops.NounModel, "m"), ArtifactURI: uri, Format: format, Approval: "approved"}
	if format == "custom" {
		spec.Image = "registry.example.com/serve:1"
	}
	change, err := shelvedVersions{s.shelf}.Create(s.Context(), spec)
	if err != nil {
		s.Fatal(err)
	}
	return change.Ref
}

// endpoint is a spec with one variant.
func (s serving) endpoint(called string, version mlops.ID) mlops.ModelEndpointSpec {
	return mlops.ModelEndpointSpec{
		Environment: s.environment, Name: called, Labels: map[string]string{},
		Variants: map[string]mlops.Variant{"main": {Version: version, Traffic: 100}},
	}
}

// settle looks, and takes the steps that are due, until nothing is under way.
func (s serving) settle(ref mlops.ID) endpointObserved {
	s.Helper()
	var last endpointObserved
	for range looks(2 * time.Minute) {
		seen, err := s.kind.Get(s.Context(), ref)
		if err != nil {
			s.Fatal(err)
		}
		last = seen
		if seen.Phase == mlops.PhaseReady || seen.Phase == mlops.PhaseFailed {
			return seen
		}
		if err := s.advance(ref, seen); err != nil && !s.kind.is(err, mlops.Conflict) {
			s.Fatal(err)
		}
	}
	s.Fatalf("%s never settled: %s: %s", ref, last.Phase, last.Reason)
	return last
}

func (s serving) advance(ref mlops.ID, seen endpointObserved) error {
	if !seen.Due {
		return nil
	}
	return s.kind.Advance(s.Context(), ref)
}

// create makes an endpoint, and waits until it has settled, as update does.
func (s serving) create(spec mlops.ModelEndpointSpec) endpointObserved {
	s.Helper()
	change, err := s.kind.Create(s.Context(), spec)
	if err != nil {
		s.Fatal(err)
	}
	return s.settle(change.Ref)
}

// update changes an endpoint, and waits likewise.
func (s serving) update(spec mlops.ModelEndpointSpec) endpointObserved {
	s.Helper()
	change, err := s.kind.Update(s.Context(), spec.ID(), spec)
	if err != nil {
		s.Fatal(err)
	}
	return s.settle(change.Ref)
}

// ready insists that an endpoint serves what is asked for.
func (s serving) ready(seen endpointObserved, spec mlops.ModelEndpointSpec) {
	s.Helper()
	if seen.Phase != mlops.PhaseReady || seen.Revision != revisionOf(spec) {
		s.Fatalf("it is %s at %q, want ready at %q: %s", seen.Phase, seen.Revision, revisionOf(spec), seen.Reason)
	}
	for variant, v := range spec.Variants {
		got := seen.Status.Serving[variant]
		if got.Version != v.Version || got.Traffic != v.Traffic || got.Digest == "" {
			s.Errorf("variant %q serves %+v, want %s with %d", variant, got, v.Version, v.Traffic)
		}
	}
}

// services are the names of the inference services that are there.
func (s serving) services() []string {
	s.Helper()
	var out []string
	for _, o := range control.List(s, "inferenceservices.serving.kserve.io", s.namespace, "") {
		if o.GetDeletionTimestamp() == nil {
			out = append(out, o.GetName())
		}
	}
	return out
}

func (s serving) serviceRef(called string) kubetest.Ref {
	return kubetest.Ref{Resource: "inferenceservices.serving.kserve.io", Namespace: s.namespace, Name: called}
}

func (s serving) routeRef(called string) kubetest.Ref {
	return kubetest.Ref{Resource: "httproutes.gateway.networking.k8s.io", Namespace: s.namespace, Name: called}
}

// TestEndpointRolls proves that a new version comes to serve at the same URL, that two
// share the traffic, and that what is not needed any more goes.
func TestEndpointRolls(t *testing.T) {
	t.Parallel()
	s := newServing(t, nil)
	spec := s.endpoint("iris", s.version("sklearn", "s3://bucket/a"))
	spec.SmokeTest = &mlops.SmokeTest{Request: "{}", Status: 200}
	before := s.create(spec)
	s.ready(before, spec)
	status, went := ask(t, before.Status.URL)
	if want := "/v1/models/iris:predict"; status != 200 || went.Path != want || went.Service != s.services()[0]+"-predictor" {
		t.Errorf("a request went to %+v (%d), want %s of %v", went, status, want, s.services())
	}

	next := s.endpoint("iris", s.version("sklearn", "s3://bucket/b"))
	after := s.update(next)
	s.ready(after, next)
	if after.Status.URL != before.Status.URL {
		t.Errorf("the URL was %q and is %q", before.Status.URL, after.Status.URL)
	}
	if _, now := ask(t, after.Status.URL); now.Service == went.Service || len(s.services()) != 1 {
		t.Errorf("requests go to %s still; there are %v", now.Service, s.services())
	}
	if diff := cmp.Diff(spec.Variants["main"].Version, after.Status.Previous["main"].Version); diff != "" {
		t.Errorf("what served before (-want +got):\n%s", diff)
	}

	split := next
	split.Variants = map[string]mlops.Variant{
		"main":  {Version: next.Variants["main"].Version, Traffic: 90},
		"other": {Version: spec.Variants["main"].Version, Traffic: 10},
	}
	kept := s.services()[0]
	s.ready(s.update(split), split)
	if names := s.services(); len(names) != 2 || !slices.Contains(names, kept) {
		t.Errorf("there are %v, want %s and another", names, kept)
	}
	s.ready(s.update(next), next)
	if diff := cmp.Diff([]string{kept}, s.services()); diff != "" {
		t.Errorf("inference services (-want +got):\n%s", diff)
	}
}

// TestEndpointFailures proves that a change that does not work leaves what worked, and
// says in the platform's words why; and that an endpoint that never worked is failed.
func TestEndpointFailures(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		spoil func(*mlops.ModelEndpointSpec, *mlops.Variant)
		play  kubetest.Outcome
		want  string
	}{
		{name: "image", play: kubetest.Outcome{Waiting: "ImagePullBackOff"}, want: "ImagePullBackOff"},
		{name: "crash", play: kubetest.Outcome{Waiting: "CrashLoopBackOff"}, want: "CrashLoopBackOff\nlast lines of its log:\n" + kubetest.LastWords},
		{name: "accelerators", spoil: func(_ *mlops.ModelEndpointSpec, v *mlops.Variant) {
			v.Compute, v.Startup = &mlops.Compute{Accelerator: &mlops.Accelerator{Type: "nvidia-l4", Count: 64}}, mlops.Duration(3*time.Second)
		}, want: "startup_timeout"},
		{name: "smoke", spoil: func(s *mlops.ModelEndpointSpec, _ *mlops.Variant) {
			s.SmokeTest = &mlops.SmokeTest{Request: "{}", Status: 418}
		}, want: "expected status 418 and got 200"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServing(t, nil)
			good := s.endpoint("good", s.version("custom", "s3://bucket/a"))
			s.ready(s.create(good), good)
			kept := s.services()
			control.Play(t, s.namespace, func(*unstructured.Unstructured) kubetest.Outcome { return tt.play })
			bad := s.endpoint("good", s.version("custom", "s3://bucket/b"))
			broken := s.endpoint("broken", bad.Variants["main"].Version)
			for _, spec := range []*mlops.ModelEndpointSpec{&bad, &broken} {
				v := spec.Variants["main"]
				if tt.spoil != nil {
					tt.spoil(spec, &v)
				}
				spec.Variants["main"] = v
			}
			seen := s.update(bad)
			s.ready(seen, good)
			if !strings.Contains(seen.Reason, tt.want) {
				t.Errorf("it says %q, want %q in it", seen.Reason, tt.want)
			}
			if diff := cmp.Diff(kept, s.services()); diff != "" {
				t.Errorf("inference services (-want +got):\n%s", diff)
			}
			seen = s.create(broken)
			if seen.Phase != mlops.PhaseFailed || seen.Revision != revisionOf(broken) || !strings.Contains(seen.Reason, tt.want) || len(seen.Status.Serving) > 0 {
				t.Errorf("it is %s at %s, because %q, and serves %v", seen.Phase, seen.Revision, seen.Reason, seen.Status.Serving)
			}
		})
	}
}

// TestEndpointEdited proves that what somebody does to an endpoint's objects is shown,
// and put right by the next apply.
func TestEndpointEdited(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		do       func(s serving, server string)
		want     string
		conflict bool
	}{
		{"deleted", func(s serving, server string) {
			control.Delete(s, s.serviceRef(server))
			control.WaitGone(s, s.serviceRef(server))
		}, "is gone", false},
		{"edited", func(s serving, server string) {
			control.Patch(s, s.serviceRef(server), `{spec: {predictor: {maxReplicas: 7}}}`)
		}, "somebody changed spec.predictor.maxReplicas", true},
		{"weights", func(s serving, _ string) {
			route := control.Get(s, s.routeRef("edited"))
			rules, _, _ := unstructured.NestedSlice(route.Object, "spec", "rules")
			text := strings.ReplaceAll(jsonOf(s, rules), `"weight":100`, `"weight":40`)
			control.Patch(s, s.routeRef("edited"), `{"spec": {"rules": `+text+`}}`)
		}, "somebody changed spec.rules[1].backendRefs[0].weight of the HTTPRoute", true},
		{"led elsewhere", func(s serving, _ string) {
			control.Patch(s, s.routeRef("edited"), `{spec: {rules: [{matches: [{path: {type: PathPrefix, value: /other}}], backendRefs: [{name: other, port: 80}]}]}}`)
		}, "somebody changed spec.rules of the HTTPRoute", true},
		{"less time", func(s serving, _ string) {
			route := control.Get(s, s.routeRef("edited"))
			rules, _, _ := unstructured.NestedSlice(route.Object, "spec", "rules")
			text := strings.ReplaceAll(jsonOf(s, rules), `"request":"60s"`, `"request":"1s"`)
			control.Patch(s, s.routeRef("edited"), `{"spec": {"rules": `+text+`}}`)
		}, "somebody changed spec.rules[1].timeouts.request of the HTTPRoute", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServing(t, nil)
			spec := s.endpoint("edited", s.version("custom", "s3://bucket/a"))
			s.ready(s.create(spec), spec)
			tt.do(s, s.services()[0])
			seen := s.settle(spec.ID())
			if seen.Revision == revisionOf(spec) || !strings.Contains(seen.Reason, tt.want) {
				t.Errorf("it is at %q, because %q; want %q in that", seen.Revision, seen.Reason, tt.want)
			}
			if cmp.Equal(seen.Spec.Variants, spec.Variants) {
				t.Error("no attribute differs, so that no plan brings it back")
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

// TestEndpointDelete proves that nobody reaches an endpoint that is deleted, and that
// nothing of it is left; and that one that is protected stays.
func TestEndpointDelete(t *testing.T) {
	t.Parallel()
	s := newServing(t, nil)
	spec := s.endpoint("gone", s.version("custom", "s3://bucket/a"))
	spec.DeletionProtection = true
	seen := s.create(spec)
	s.ready(seen, spec)
	if err := s.kind.Delete(t.Context(), seen.Ref); !s.kind.is(err, mlops.Invalid) {
		t.Errorf("a protected endpoint: %v", err)
	}
	spec.DeletionProtection = false
	s.ready(s.update(spec), spec)
	if err := s.kind.Delete(t.Context(), seen.Ref); err != nil {
		t.Fatal(err)
	}
	for range looks(time.Minute) {
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
	if names := s.services(); len(names) > 0 || control.Exists(t, s.routeRef("gone")) {
		t.Errorf("left: %v, and perhaps the route", names)
	}
}

func jsonOf(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestEndpointShadow proves that the new version gets copies of requests for the bake,
// and no traffic, and has the traffic when that is over.
func TestEndpointShadow(t *testing.T) {
	t.Parallel()
	s := newServing(t, nil)
	spec := s.endpoint("shadowed", s.version("custom", "s3://bucket/a"))
	s.ready(s.create(spec), spec)
	old := s.services()[0]
	next := s.endpoint("shadowed", s.version("custom", "s3://bucket/b"))
	next.Rollout = &mlops.Rollout{Strategy: mlops.RolloutShadow, Steps: []int64{50}, Bake: mlops.Duration(5 * time.Second), KeepPrevious: new(mlops.Duration)}
	if _, err := s.kind.Update(t.Context(), spec.ID(), next); err != nil {
		t.Fatal(err)
	}
	var copied kubetest.GatewayAnswer
	for range looks(time.Minute) {
		seen, err := s.kind.Get(t.Context(), spec.ID())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.advance(seen.Ref, seen); err != nil {
			t.Fatal(err)
		}
		if _, copied = ask(t, seen.Status.URL); len(copied.Mirrors) > 0 {
			break
		}
	}
	if copied.Service != predictor(old) || len(copied.Mirrors) != 1 || copied.Mirrors[0] == predictor(old) {
		t.Errorf("requests go to %s, and copies to %v; the old server is %s", copied.Service, copied.Mirrors, old)
	}
	seen := s.settle(spec.ID())
	s.ready(seen, next)
	if _, now := ask(t, seen.Status.URL); now.Service == predictor(old) || len(now.Mirrors) > 0 {
		t.Errorf("requests go to %s, and copies to %v", now.Service, now.Mirrors)
	}
}

// TestEndpointInterrupted proves that what an interrupted creation made is adopted.
func TestEndpointInterrupted(t *testing.T) {
	t.Parallel()
	s := newServing(t, nil)
	spec := s.endpoint("half", s.version("custom", "s3://bucket/a"))
	at, err := s.kind.scene(t.Context(), spec.ID())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.kind.claimRoute(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	seen, err := s.kind.Get(t.Context(), spec.ID())
	if err != nil || seen.Phase != mlops.PhaseFailed {
		t.Errorf("half an endpoint is %s, %v", seen.Phase, err)
	}
	s.ready(s.create(spec), spec)
}
