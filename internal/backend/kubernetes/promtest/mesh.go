package promtest

import (
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Mesh counts requests as a gateway of Istio's does, by its standard metrics
// (https://istio.io/latest/docs/reference/config/metrics), and shows them to whoever
// scrapes it.
type Mesh struct {
	URL string

	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
}

// meshLabels are those of Istio's labels that queries go by.
func meshLabels() []string {
	return []string{"reporter", "destination_service_name", "destination_service_namespace", "response_code"}
}

// NewMesh is a gateway that has sent no requests.
func NewMesh(t testing.TB) *Mesh {
	t.Helper()
	m := &Mesh{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "istio_requests_total", Help: "Requests."}, meshLabels()),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{ //nolint:promlinter // Istio counts in milliseconds
			Name: "istio_request_duration_milliseconds", Help: "Time that answers took.",
			Buckets: []float64{.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000}, // Envoy's
		}, meshLabels()),
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(m.requests, m.took)
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	t.Cleanup(server.Close)
	m.URL = server.URL
	return m
}

// Sent counts requests that a gateway sent to a service. A code of 0 is an answer that
// was cut short.
func (m *Mesh) Sent(namespace, service string, code, n int, took time.Duration) {
	labels := []string{"source", service, namespace, strconv.Itoa(code)}
	m.requests.WithLabelValues(labels...).Add(float64(n))
	for range n {
		m.took.WithLabelValues(labels...).Observe(float64(took) / float64(time.Millisecond))
	}
}

// Restart is a gateway that begins to count anew.
func (m *Mesh) Restart() {
	m.requests.Reset()
	m.took.Reset()
}
