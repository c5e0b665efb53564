package kubernetes

import (
	"maps"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// moves changes settings of the environment, or its registry, and returns what the plan
// of that says of what is in the environment.
func moves(e *estate, settings mlops.Settings, server *mlops.MLflow) []string {
	e.Helper()
	e.spec.Target.Settings = maps.Clone(e.spec.Target.Settings)
	maps.Copy(e.spec.Target.Settings, settings)
	if server != nil {
		e.spec.Registry = &mlops.Registry{MLflow: server}
	}
	var said []string
	for _, one := range e.preflight() {
		if strings.Contains(one, "apply twice") {
			said = append(said, one)
		}
	}
	_, err := e.Environments().Update(e.Context(), e.spec.ID, e.spec)
	e.must(err)
	return said
}

// wantMoved insists that a look tells of an attribute, as a difference from what was
// applied, or of none where it is "".
func (e estate) wantMoved(what, revision, reason, attribute string) {
	e.Helper()
	switch {
	case attribute == "" && (revision == "" || reason != ""):
		e.Errorf("%s: it is at %q: %s; nothing of it moved", what, revision, reason)
	case attribute != "" && (revision != "" || !strings.Contains(reason, attribute)):
		e.Errorf("%s: it is at %q: %s; want a word of %s", what, revision, reason, attribute)
	}
}

// TestGround proves that what an environment says of itself is found to be another in what
// holds it, and there alone, that the next apply of that brings it there, and that the plan
// of the environment tells of it.
func TestGround(t *testing.T) {
	t.Parallel()
	g := newGuard(t, nil)
	p := g.pipeline(mlops.PipelineSpec{Steps: chain()})
	m := g.all()
	g.create(m)
	for _, tt := range []struct {
		name              string
		settings          mlops.Settings
		pipeline, monitor string // the attribute that is told of
	}{
		{"prometheus", mlops.Settings{targetPrometheus: "http://127.0.0.1:2"}, "", ""},
		{"storage", mlops.Settings{targetStorageURL: "https://minio.example.com:9000"}, "kubernetes.storage_endpoint", "kubernetes.storage_endpoint"},
		{"pushgateway", mlops.Settings{targetPushgateway: "http://pushgateway.elsewhere:9091"}, "", "kubernetes.pushgateway_url"},
		{"metrics", mlops.Settings{targetMetrics: metricsKServe}, "", "kubernetes.metrics"},
	} {
		said := moves(&g.estate, tt.settings, nil)
		for attribute := range tt.settings {
			wantOne(t, tt.name, said, name+"."+attribute, "apply twice")
		}
		seen, err := g.Pipelines().Get(t.Context(), p.ID())
		g.must(err)
		g.wantMoved(tt.name+": pipeline", seen.Revision, seen.Reason, tt.pipeline)
		all, err := pipelineKind{g.backend}.List(t.Context(), g.spec.ID)
		g.must(err)
		g.wantMoved(tt.name+": pipelines", all[0].Revision, all[0].Reason, tt.pipeline)
		watch := g.watched(m.ID())
		g.wantMoved(tt.name+": monitor", watch.Revision, strings.TrimPrefix(watch.Reason, g.unreached(watch)), tt.monitor)
		if tt.name == "metrics" {
			m.Health.MaxErrorPercent = nil // which KServe does not count
		}
		_, err = g.Pipelines().Update(t.Context(), p.ID(), p)
		g.must(err)
		_, err = g.monitors().Update(t.Context(), m.ID(), m)
		g.must(err)
		seen, err = g.Pipelines().Get(t.Context(), p.ID())
		g.must(err)
		g.wantMoved(tt.name+": pipeline applied", seen.Revision, seen.Reason, "")
		watch = g.watched(m.ID())
		g.wantMoved(tt.name+": monitor applied", watch.Revision, strings.TrimPrefix(watch.Reason, g.unreached(watch)), "")
	}
	for resource, called := range map[string]string{"workflowtemplates.argoproj.io": "train", "cronworkflows.argoproj.io": "monitor-watch"} {
		text, err := control.Get(t, g.ref(resource, called)).MarshalJSON()
		g.must(err)
		if !strings.Contains(string(text), "minio.example.com:9000") {
			t.Errorf("%s still has the former storage", called)
		}
	}
	if text, err := control.Get(t, g.ref("cronworkflows.argoproj.io", "monitor-watch")).MarshalJSON(); err != nil || !strings.Contains(string(text), "pushgateway.elsewhere") {
		t.Errorf("the job still pushes to the former place, %v", err)
	}
	g.must(g.monitors().Delete(t.Context(), m.ID()))
}

// unreached is what a monitor says of a Prometheus that is not there, as in these tests.
func (g guard) unreached(seen monitorObserved) string {
	if seen.Revision != "" {
		return seen.Reason
	}
	return ""
}

// TestGroundOfRegistry proves that steps write to the server that the environment has had
// since, as soon as the pipeline is applied, and that a look says so before.
func TestGroundOfRegistry(t *testing.T) {
	t.Parallel()
	gate := tracking.Gate(t, "")
	e := works(t, map[string]string{"data": "age\n31\n"})
	p := e.pipeline(mlops.PipelineSpec{Steps: chain()})
	wantOne(t, "plan", moves(&e, nil, &mlops.MLflow{URI: gate.URI}), groundRegistry, "apply twice")
	seen, err := e.Pipelines().Get(t.Context(), p.ID())
	e.must(err)
	e.wantMoved("pipeline", seen.Revision, seen.Reason, groundRegistry)
	_, err = e.Pipelines().Update(t.Context(), p.ID(), p)
	e.must(err)
	seen, err = e.Pipelines().Get(t.Context(), p.ID())
	e.must(err)
	e.wantMoved("pipeline applied", seen.Revision, seen.Reason, "")
	text, err := control.Get(t, e.ref("workflowtemplates.argoproj.io", "train")).MarshalJSON()
	e.must(err)
	if !strings.Contains(string(text), gate.URI+mlflowArtifacts) || strings.Contains(string(text), tracking.URI(t)) {
		t.Errorf("the template has the former address: %s", text)
	}
	passed := gate.Passed()
	run := e.run(mlops.PipelineRunSpec{Pipeline: p.ID(), Parameters: map[string]string{}})
	if run.Status.State != mlops.RunSucceeded || gate.Passed() == passed {
		t.Errorf("the run is %s: %s; and the server was asked nothing by its new address", run.Status.State, run.Reason)
	}
}

// TestGroundOfEndpoint proves that an endpoint tells what it still has of its environment,
// serves meanwhile, and has what there is after its own apply.
func TestGroundOfEndpoint(t *testing.T) {
	t.Parallel()
	s := newServing(t, nil)
	spec := s.endpoint("churn", s.version("sklearn", "s3://bucket/m"))
	s.ready(s.create(spec), spec)
	e := &estate{T: t, backend: s.kind.backend}
	seen, err := s.kind.Environments().Get(t.Context(), s.environment)
	e.must(err)
	e.spec = seen.Spec
	for _, tt := range []struct {
		name      string
		settings  mlops.Settings
		attribute string
	}{
		{"captures, which it has none of", mlops.Settings{targetCapture: "https://sink.example.com"}, ""},
		{"requests, by which it does not scale", mlops.Settings{targetPrometheus: "http://prometheus.elsewhere:9090"}, ""},
		{"domain", mlops.Settings{targetDomain: "models.example.com"}, name + "." + targetDomain},
	} {
		moves(e, tt.settings, nil)
		now, err := s.kind.Get(t.Context(), spec.ID())
		e.must(err)
		e.wantMoved(tt.name, now.Revision, now.Reason, tt.attribute)
		if got := now.Status.Serving["main"]; now.Phase != mlops.PhaseReady || got.Traffic != 100 {
			t.Errorf("%s: meanwhile it is %s and serves %+v", tt.name, now.Phase, got)
		}
		all, err := s.kind.List(t.Context(), s.environment)
		e.must(err)
		e.wantMoved(tt.name+", listed", all[0].Revision, all[0].Reason, tt.attribute)
		s.ready(s.update(spec), spec)
	}
	route := control.Get(t, kubetest.Ref{Resource: "httproutes.gateway.networking.k8s.io", Namespace: s.namespace, Name: "churn"})
	hosts, _, _ := unstructured.NestedStringSlice(route.Object, "spec", "hostnames")
	if len(hosts) != 1 || hosts[0] != "churn-"+s.namespace+".models.example.com" {
		t.Errorf("the route's hosts are %v", hosts)
	}
}
