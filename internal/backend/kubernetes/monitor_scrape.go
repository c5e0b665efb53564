package kubernetes

import (
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

// scrapeManifest has Prometheus collect the metrics of an endpoint's model servers, where
// health goes by those; the others are the gateway's.
//
// KServe's service may lead to its logger, which would capture each scrape. So the port
// and the path are those that KServe notes on the pods of its own runtimes.
func (s scene) scrapeManifest(spec mlops.MonitorSpec) (manifest, bool) {
	if spec.Health == nil || s.spec.Target.Settings.String(targetMetrics) != metricsKServe {
		return manifest{}, false
	}
	const noted = "__meta_kubernetes_pod_annotation_prometheus_kserve_io_"
	server := s.serversOf(spec.Endpoint.Name())
	endpoint := map[string]any{"relabelings": []relabeling{
		{Sources: []string{"__meta_kubernetes_endpoint_port_name"}, Regex: predictor(server), Action: "keep"},
		{Sources: []string{"__address__", noted + "port"}, Regex: `(.+):\d+;(\d+)`, Action: "replace", Target: "__address__", Replacement: "$1:$2"},
		{Sources: []string{noted + "path"}, Regex: "(.+)", Action: "replace", Target: "__metrics_path__", Replacement: "$1"},
	}}
	content := map[string]any{"spec": map[string]any{
		"selector": map[string]any{"matchLabels": map[string]string{
			labelManagedBy: agent, labelResource: string(mlops.NounModelEndpoint), labelName: labelValue(spec.Endpoint.Name()),
		}},
		"endpoints": []map[string]any{endpoint},
	}}
	return s.component(s.monitorPart(kindServiceMonitor), content, spec.Labels), true
}
