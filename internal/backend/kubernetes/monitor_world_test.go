package kubernetes

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// adaptMonitor makes of the suite's samples what Kubernetes takes: data are in storage,
// and pipelines are started by what a job finds.
func adaptMonitor(spec any) any {
	s, ok := spec.(mlops.MonitorSpec)
	if !ok {
		return spec
	}
	if q := s.ModelQuality; q != nil && q.GroundTruth == "" {
		with := *q
		with.GroundTruth = "s3://bucket/truth"
		s.ModelQuality = &with
	}
	if s.Baseline != nil && s.Baseline.URI != "" {
		with := *s.Baseline
		with.URI = "s3://bucket/data.csv"
		s.Baseline = &with
	}
	if s.OnViolation != nil {
		with := *s.OnViolation
		with.Checks = nil
		s.OnViolation = &with
		s.Baseline, s.DataDrift = &mlops.Baseline{URI: "s3://bucket/data.csv"}, &mlops.DriftCheck{}
	}
	return s
}

// datasets keeps datasets for tests of what reads them.
type datasets struct {
	mu    sync.Mutex
	specs map[mlops.ID]mlops.DatasetSpec
}

func (d *datasets) Create(_ context.Context, spec mlops.DatasetSpec) (mlops.Change, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.specs[spec.ID()] = spec
	return mlops.Change{Ref: spec.ID(), Revision: revisionOf(spec)}, nil
}

func (d *datasets) Get(_ context.Context, ref mlops.ID) (mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus], error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	spec, ok := d.specs[ref]
	out := mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus]{Ref: ref, Spec: spec, Phase: mlops.PhaseReady, Revision: revisionOf(spec)}
	if !ok {
		return out, notOnShelf(ref)
	}
	out.Status.URI, out.Status.Digest, out.Status.Rows = spec.URI, mlops.DigestOf(spec.URI), int64(strings.Count(spec.URI, "/"))
	return out, nil
}

func (d *datasets) Update(ctx context.Context, _ mlops.ID, spec mlops.DatasetSpec) (mlops.Change, error) {
	return d.Create(ctx, spec)
}

func (d *datasets) Delete(context.Context, mlops.ID) error { return errors.New("datasets stay") }

// TestWatchedEndpoint proves that an endpoint is not deleted under a monitor, and that an
// environment with one is not empty.
func TestWatchedEndpoint(t *testing.T) {
	t.Parallel()
	s := newServing(t, nil)
	endpoint := s.endpoint("churn", s.version("sklearn", "s3://bucket/a"))
	ref := s.create(endpoint).Ref
	monitors := s.kind.Monitors()
	spec := watchSpec()
	spec.Endpoint = ref
	change, err := monitors.Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.kind.Delete(t.Context(), ref); !s.kind.is(err, mlops.Conflict) || !strings.Contains(err.Error(), string(change.Ref)) {
		t.Errorf("deletion of a watched endpoint: %v", err)
	}
	if err := s.kind.Environments().Delete(t.Context(), s.environment); !s.kind.is(err, mlops.Conflict) {
		t.Errorf("deletion of an environment with a monitor: %v", err)
	}
	if err := monitors.Delete(t.Context(), change.Ref); err != nil {
		t.Fatal(err)
	}
	if err := s.kind.Delete(t.Context(), ref); err != nil {
		t.Error(err)
	}
}

// TestScrapedServers proves that what collects the metrics of model servers finds the
// services that KServe makes of an endpoint, by their labels and the names of their
// ports, and on the pods where they answer.
func TestScrapedServers(t *testing.T) {
	t.Parallel()
	s := newServing(t, mlops.Settings{targetMetrics: metricsKServe})
	endpoint := s.endpoint("churn", s.version("sklearn", "s3://bucket/a"))
	endpoint.Capture = &mlops.Capture{SamplePercent: 100}
	s.create(endpoint)
	spec := watchSpec()
	spec.Endpoint, spec.Health.MaxErrorPercent = endpoint.ID(), nil
	if _, err := s.kind.Monitors().Create(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	scrape := control.Get(t, kubetest.Ref{Resource: "servicemonitors.monitoring.coreos.com", Namespace: s.namespace, Name: "monitor-watch"})
	labels, _, _ := unstructured.NestedStringMap(scrape.Object, "spec", "selector", "matchLabels")
	services := control.List(t, "services", s.namespace, metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: labels}))
	pattern := regexp.MustCompile("^" + predictor((whereabouts{namespace: s.namespace}).serversOf("churn")) + "$")
	if len(services) != 1 {
		t.Fatalf("%v are of %d services", labels, len(services))
	}
	ports, _, _ := unstructured.NestedSlice(services[0].Object, "spec", "ports")
	port, _ := ports[0].(map[string]any)
	if name, _ := port["name"].(string); len(ports) != 1 || !pattern.MatchString(name) {
		t.Errorf("the service has the ports %v", ports)
	}
	pods := control.List(t, "pods", s.namespace, "serving.kserve.io/inferenceservice="+s.services()[0])
	if len(pods) == 0 {
		t.Fatal("the endpoint has no pod")
	}
	if notes := pods[0].GetAnnotations(); notes["prometheus.kserve.io/port"] != "8080" || notes["prometheus.kserve.io/path"] != "/metrics" {
		t.Errorf("the pod says to be scraped at %v", notes)
	}
}
