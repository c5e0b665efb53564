package kubernetes

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// The sources of an endpoint's figures.
const (
	metricsIstio  = "istio"
	metricsKServe = "kserve"
)

// figures are the queries for what one server does, in PromQL. In each, $service is the
// name of KServe's service, $server that of the inference service, $namespace theirs,
// and $window a range. A query that a source has no figures for is empty.
type figures struct {
	source   string // where it is written which metrics there are
	requests string
	errors   string
	seconds  string // of the quantile $quantile
	inFlight string // on average over the window
}

// figuresNamed are those of a source, or nil.
func figuresNamed(source string) *figures {
	switch source {
	case metricsIstio:
		return &istioFigures
	case metricsKServe:
		return &kserveFigures
	}
	return nil
}

// istioFigures are of the requests that the gateway sent to a service, which is one for
// each server. Requests in flight are the time spent in a second, by Little's law.
//
//nolint:gochecknoglobals // data
var istioFigures = figures{
	source:   "https://istio.io/latest/docs/reference/config/metrics/",
	requests: `sum(increase(istio_requests_total{reporter="source",destination_service_name="$service",destination_service_namespace="$namespace"}[$window]))`,
	errors:   `sum(increase(istio_requests_total{reporter="source",destination_service_name="$service",destination_service_namespace="$namespace",response_code=~"5..|0"}[$window]))`,
	seconds:  `histogram_quantile($quantile, sum by (le) (increase(istio_request_duration_milliseconds_bucket{reporter="source",destination_service_name="$service",destination_service_namespace="$namespace"}[$window]))) / 1000`,
	inFlight: `sum(rate(istio_request_duration_milliseconds_sum{reporter="source",destination_service_name="$service",destination_service_namespace="$namespace"}[$window])) / 1000`,
}

// kserveFigures are of the predictions that KServe's model servers made, by the pods of
// a server. Requests that fail are not counted.
//
//nolint:gochecknoglobals // data
var kserveFigures = figures{
	source:   "https://kserve.github.io/website/docs/model-serving/predictive-inference/observability/prometheus-metrics",
	requests: `sum(increase(request_predict_seconds_count{namespace="$namespace",pod=~"$service-.+"}[$window]))`,
	seconds:  `histogram_quantile($quantile, sum by (le) (increase(request_predict_seconds_bucket{namespace="$namespace",pod=~"$service-.+"}[$window])))`,
}

// figuresOf are the figures that an environment has; none without a Prometheus server.
func figuresOf(l layout) figures {
	s := l.spec.Target.Settings
	if s.String(targetPrometheus) == "" {
		return figures{}
	}
	if f := figuresNamed(cmp.Or(s.String(targetMetrics), metricsIstio)); f != nil {
		return *f
	}
	return figures{}
}

// query fills a query in.
func (f figures) query(text, namespace, server string, window time.Duration) string {
	seconds := max(1, int64(window.Round(time.Second)/time.Second))
	return strings.NewReplacer(
		"$namespace", namespace, "$service", predictor(server), "$server", server, "$window", strconv.FormatInt(seconds, 10)+"s",
	).Replace(text)
}

// quantile is the query for a quantile of the time that answers take.
func (f figures) quantile(q float64, namespace, server string, window time.Duration) string {
	return f.query(strings.ReplaceAll(f.seconds, "$quantile", strconv.FormatFloat(q, 'g', -1, 64)), namespace, server, window)
}
