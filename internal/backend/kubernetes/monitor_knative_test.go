package kubernetes

import (
	"path"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestKnativeMonitor proves that a monitor of an endpoint in Knative mode has what it
// needs: figures by the pods of its revisions, and the captures from where KServe's logger
// in these pods is told to write them.
func TestKnativeMonitor(t *testing.T) {
	t.Parallel()
	s := newServerless(t, nil)
	endpoint := s.endpoint("churn", s.version("sklearn", "s3://bucket/a"))
	endpoint.Capture = &mlops.Capture{SamplePercent: 100}
	s.ready(s.create(endpoint), endpoint)
	spec := watchSpec()
	spec.Endpoint, spec.DataDrift, spec.Baseline = endpoint.ID(), &mlops.DriftCheck{}, &mlops.Baseline{URI: "s3://bucket/data.csv"}
	monitors := s.kind.Monitors()
	c := mlops.NewChecker()
	preflighter, ok := monitors.(mlops.Preflighter[mlops.MonitorSpec])
	if !ok {
		t.Fatal("a plan of a monitor is not judged")
	}
	if err := preflighter.Preflight(t.Context(), spec, c); err != nil || len(c.Problems()) > 0 {
		t.Fatalf("its plan: %v, %v", err, c.Problems())
	}
	change, err := monitors.Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	pod := s.pod(t, "churn")
	s.scraped(pod)
	s.captured(pod)
	if err := monitors.Delete(t.Context(), change.Ref); err != nil {
		t.Fatal(err)
	}
}

// scraped insists that the rules of the monitor go by a pod.
func (s serving) scraped(pod *unstructured.Unstructured) {
	s.Helper()
	rules := control.Get(s, kubetest.Ref{Resource: "prometheusrules.monitoring.coreos.com", Namespace: s.namespace, Name: "monitor-watch"})
	patterns := regexp.MustCompile(`pod=~"([^"]+)"`).FindAllStringSubmatch(strings.ReplaceAll(jsonOf(s, rules.Object), `\"`, `"`), -1)
	if len(patterns) == 0 {
		s.Error("the rules are of no pods")
	}
	for _, p := range patterns {
		if !regexp.MustCompile("^" + p[1] + "$").MatchString(pod.GetName()) {
			s.Errorf("rules are of pods like %s, and not of %s", p[1], pod.GetName())
		}
	}
	monitor := control.Get(s, kubetest.Ref{Resource: "servicemonitors.monitoring.coreos.com", Namespace: s.namespace, Name: "monitor-watch"})
	labels, _, _ := unstructured.NestedStringMap(monitor.Object, "spec", "selector", "matchLabels")
	carried, _, _ := unstructured.NestedStringMap(s.service("churn").Object, "spec", "template", "metadata", "labels")
	carried["networking.internal.knative.dev/serviceType"] = "Private" // Knative's own, of its service for each revision
	for key, value := range labels {
		if carried[key] != value {
			s.Errorf("what is scraped has %s=%s, and a revision has %v", key, value, carried)
		}
	}
}

// captured insists that the monitor's job fetches what the logger in a pod writes.
func (s serving) captured(pod *unstructured.Unstructured) {
	s.Helper()
	job := control.Get(s, kubetest.Ref{Resource: "cronworkflows.argoproj.io", Namespace: s.namespace, Name: "monitor-watch"})
	fetched := regexp.MustCompile(`"INCLUDE","value":"([^"]+)/\*\*"`).FindStringSubmatch(jsonOf(s, job.Object))
	var of servedPod
	if err := remarshal(pod.Object["spec"], &of); err != nil || fetched == nil {
		s.Fatalf("%v; it fetches %v", err, fetched)
	}
	for _, c := range of.Containers {
		if c.Name != "agent" {
			continue
		}
		logger := flagsOf(c.Args, "")
		written := path.Join("/", logger["--inference-service"], logger["--component"], logger["--log-store-path"])
		if ok, err := path.Match(fetched[1], written); err != nil || !ok {
			s.Errorf("it fetches %s, and the logger writes %s: %v", fetched[1], written, logger)
		}
		return
	}
	s.Error("the pod has no logger")
}
