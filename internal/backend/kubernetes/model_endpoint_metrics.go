package kubernetes

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// The sources of an endpoint's figures.
const (
	metricsIstio   = "istio"
	metricsKServe  = "kserve"
	metricsKnative = "knative"
)

// figures are the queries for what one server does, in PromQL. In each, $service is the
// name of its service, $namespace that of both, and $window a range. A query that a source has no figures for is empty.
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
	case metricsKnative:
		return &knativeFigures
	}
	return nil
}

// since is by how much counters grew in $window. Unlike Prometheus' increase, it counts
// what a counter begins with, which of a server that is new are its first requests, and
// of errors often all of them; and it counts whole requests, for it does not
// extrapolate. A counter that restarted begins again.
func since(counter string) string {
	now, before := "last_over_time("+counter+"[$window])", "last_over_time("+counter+"[1h] offset $window)"
	return "((" + now + " - " + before + " >= 0) or " + now + ")"
}

// atGateway selects what a gateway of Istio's sent to a server.
const atGateway = `reporter="source",destination_service_name="$service",destination_service_namespace="$namespace"`

// istioFigures are of the requests that the gateway sent to a service, which is one for
// each server. Requests in flight are the time spent in a second, by Little's law.
//
//nolint:gochecknoglobals // data
var istioFigures = figures{
	source:   "https://istio.io/latest/docs/reference/config/metrics/",
	requests: "sum(" + since("istio_requests_total{"+atGateway+"}") + ")",
	errors:   "sum(" + since("istio_requests_total{"+atGateway+`,response_code=~"5..|0"}`) + ")",
	seconds:  "histogram_quantile($quantile, sum by (le) " + since("istio_request_duration_milliseconds_bucket{"+atGateway+"}") + ") / 1000",
	inFlight: "sum(rate(istio_request_duration_milliseconds_sum{" + atGateway + "}[$window])) / 1000",
}

// ofServer selects what the pods of a server report.
const ofServer = `namespace="$namespace",pod=~"$service-.+"`

// kserveFigures are of the predictions that KServe's model servers made, by the pods of
// a server. Requests that fail are not counted.
//
//nolint:gochecknoglobals // data
var kserveFigures = figures{
	source:   "https://kserve.github.io/website/docs/model-serving/predictive-inference/observability/prometheus-metrics",
	requests: "sum(" + since("request_predict_seconds_count{"+ofServer+"}") + ")",
	seconds:  "histogram_quantile($quantile, sum by (le) " + since("request_predict_seconds_bucket{"+ofServer+"}") + ")",
}

// knativeFigures are of the requests that Knative's proxy handed to the servers of a
// revision, by its pods. They have the names of Knative 1.19 and later; what a pod reports
// does not name the revision, so Prometheus' own labels of it do.
//
//nolint:gochecknoglobals // data
var knativeFigures = figures{
	source:   "https://knative.dev/docs/serving/observability/metrics/serving-metrics/",
	requests: "sum(" + since("kn_serving_invocation_duration_seconds_count{"+ofServer+"}") + ")",
	errors:   "sum(" + since("kn_serving_invocation_duration_seconds_count{"+ofServer+`,http_response_status_code=~"5.."}`) + ")",
	seconds:  "histogram_quantile($quantile, sum by (le) " + since("kn_serving_invocation_duration_seconds_bucket{"+ofServer+"}") + ")",
}

// metrics is the source of an environment's figures.
func (l layout) metrics() string {
	usual := metricsIstio
	if l.knative() {
		usual = metricsKnative
	}
	return cmp.Or(l.spec.Target.Settings.String(targetMetrics), usual)
}

// figuresOf are the figures that an environment has; none without a Prometheus server.
func figuresOf(l layout) figures {
	s := l.spec.Target.Settings
	if s.String(targetPrometheus) == "" {
		return figures{}
	}
	if f := figuresNamed(l.metrics()); f != nil {
		return *f
	}
	return figures{}
}

// query fills a query in.
func (f figures) query(text, namespace, service string, window time.Duration) string {
	whole := model.Duration(max(window.Round(time.Millisecond), time.Millisecond))
	return strings.NewReplacer(
		"$namespace", namespace, "$service", service, "$window", whole.String(),
	).Replace(text)
}

// quantile is the query for a quantile of the time that answers take.
func (f figures) quantile(q float64, namespace, service string, window time.Duration) string {
	return f.query(strings.ReplaceAll(f.seconds, "$quantile", strconv.FormatFloat(q, 'g', -1, 64)), namespace, service, window)
}
