package gateway

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const namespace = "mlops_endpoint"

// metrics are the series of all endpoints. Those that say how things are now
// are read from the pools when somebody asks.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	errors   *prometheus.CounterVec
	latency  *prometheus.HistogramVec
	dropped  *prometheus.CounterVec
	shadowed *prometheus.CounterVec

	inFlight, waiting, replicas *prometheus.Desc
}

func newMetrics() *metrics {
	endpoint := []string{"environment", "endpoint"}
	variant := append(append([]string{}, endpoint...), "variant", "version")
	counter := func(name, help string, labels []string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	gauge := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, variant, nil)
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: counter("requests_total", "Requests answered, by HTTP status; 499 is a client that went away.", append(append([]string{}, variant...), "code")),
		errors:   counter("errors_total", "Requests that failed: a status of 500 or more, or an answer cut short.", variant),
		dropped:  counter("capture_dropped_total", "Sampled requests that were not captured because writing was too slow or failed.", endpoint),
		shadowed: counter("shadow_requests_total", "Copies of requests that a version got whose answers nobody sees, by outcome: ok, failed, or dropped where it could not keep up or the request was too large to copy.", append(append([]string{}, endpoint...), "outcome")),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "request_duration_seconds",
			Help:    "Time from a request's arrival to the end of its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, variant),
		inFlight: gauge("in_flight", "Requests at replicas."),
		waiting:  gauge("waiting", "Requests held until a replica is ready."),
		replicas: gauge("replicas", "Ready replicas."),
	}
	m.registry.MustRegister(m.requests, m.errors, m.dropped, m.latency, m.shadowed)
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// forget drops the series of an endpoint, or of one of its versions.
func (m *metrics) forget(labels prometheus.Labels) {
	for _, v := range []interface {
		DeletePartialMatch(labels prometheus.Labels) int
	}{m.requests, m.errors, m.latency, m.dropped, m.shadowed} {
		v.DeletePartialMatch(labels)
	}
}

// series are one version's of a variant, looked up once.
type series struct {
	requests *prometheus.CounterVec
	errors   prometheus.Counter
	latency  prometheus.Observer
	history  *history
	counted  counted
	gone     *atomic.Bool // the version is no longer in the route
}

func (m *metrics) variant(r *Route, v *Variant, h *history) series {
	labels := versionLabels(r, v)
	return series{m.requests.MustCurryWith(labels), m.errors.With(labels), m.latency.With(labels), h, counted{v.Name, v.Version}, &atomic.Bool{}}
}

func versionLabels(r *Route, v *Variant) prometheus.Labels {
	return prometheus.Labels{"environment": r.Environment, "endpoint": r.Endpoint, "variant": v.Name, "version": string(v.Version)}
}

func (s series) observe(status int, failed bool, took time.Duration) {
	s.history.observe(s.counted, failed, took)
	if s.gone.Load() { // its last requests must not bring its metrics back
		return
	}
	s.requests.WithLabelValues(strconv.Itoa(status)).Inc()
	if failed {
		s.errors.Inc()
	}
	s.latency.Observe(took.Seconds())
}

// Describe implements prometheus.Collector for what the pools know.
func (g *Gateway) Describe(ch chan<- *prometheus.Desc) {
	ch <- g.metrics.inFlight
	ch <- g.metrics.waiting
	ch <- g.metrics.replicas
}

// Collect implements prometheus.Collector for what the pools know. During a
// rollout one version may have two pools, with servers of the former and of the
// new configuration: they count together.
func (g *Gateway) Collect(ch chan<- prometheus.Metric) {
	for _, e := range *g.endpoints.Load() {
		loads := map[counted]Load{}
		for _, v := range e.route.Variants {
			c, load := counted{v.Name, v.Version}, v.Pool.Look()
			sum := loads[c]
			loads[c] = Load{InFlight: sum.InFlight + load.InFlight, Waiting: sum.Waiting + load.Waiting, Ready: sum.Ready + load.Ready}
		}
		for c, load := range loads {
			for desc, value := range map[*prometheus.Desc]int{
				g.metrics.inFlight: load.InFlight, g.metrics.waiting: load.Waiting, g.metrics.replicas: load.Ready,
			} {
				ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), e.route.Environment, e.route.Endpoint, c.variant, string(c.version))
			}
		}
	}
}
