package kubernetes

import (
	"maps"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// relabeling is a step of how Prometheus comes to the targets of a scrape.
type relabeling struct {
	Sources     []string `json:"sourceLabels"`
	Regex       string   `json:"regex"`
	Action      string   `json:"action"`
	Target      string   `json:"targetLabel,omitempty"`
	Replacement string   `json:"replacement,omitempty"`
}

// scrapeManifest has Prometheus collect the metrics of an endpoint's servers, or of
// Knative's proxies beside them, where health goes by those; the others are the gateway's.
func (s scene) scrapeManifest(spec mlops.MonitorSpec) (manifest, bool) {
	if spec.Health == nil {
		return manifest{}, false
	}
	switch s.metrics() {
	case metricsKServe:
		return s.scrapeOf(spec, s.scrapeKServe(spec), nil), true
	case metricsKnative:
		// Knative's services for itself lead to all pods of a revision, also of one that
		// sleeps and is woken.
		return s.scrapeOf(spec, map[string]any{"port": "http-usermetric"}, map[string]string{"networking.internal.knative.dev/serviceType": "Private"}), true
	}
	return manifest{}, false
}

// scrapeKServe is how the metrics of KServe's own model servers are found. KServe's
// service may lead to its logger, which would capture each scrape. So the port and the
// path are those that KServe notes on the pods of its own runtimes.
func (s scene) scrapeKServe(spec mlops.MonitorSpec) map[string]any {
	const noted = "__meta_kubernetes_pod_annotation_prometheus_kserve_io_"
	server := s.serversOf(spec.Endpoint.Name())
	return map[string]any{"relabelings": []relabeling{
		{Sources: []string{"__meta_kubernetes_endpoint_port_name"}, Regex: predictor(server), Action: "keep"},
		{Sources: []string{"__address__", noted + "port"}, Regex: `(.+):\d+;(\d+)`, Action: "replace", Target: "__address__", Replacement: "$1:$2"},
		{Sources: []string{noted + "path"}, Regex: "(.+)", Action: "replace", Target: "__metrics_path__", Replacement: "$1"},
	}}
}

// scrapeOf collects metrics by way of those of an endpoint's services that have some
// labels more.
func (s scene) scrapeOf(spec mlops.MonitorSpec, endpoint map[string]any, more map[string]string) manifest {
	labels := map[string]string{labelManagedBy: agent, labelResource: string(mlops.NounModelEndpoint), labelName: labelValue(spec.Endpoint.Name())}
	maps.Copy(labels, more)
	content := map[string]any{"spec": map[string]any{
		"selector": map[string]any{"matchLabels": labels}, "endpoints": []map[string]any{endpoint},
	}}
	return s.component(s.monitorPart(kindServiceMonitor), content, spec.Labels)
}
