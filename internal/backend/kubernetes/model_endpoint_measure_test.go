package kubernetes

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestFiguresQueries has Prometheus' own parser judge every query.
func TestFiguresQueries(t *testing.T) {
	t.Parallel()
	zero := int64(0)
	for _, source := range []string{metricsIstio, metricsKServe, metricsKnative} {
		l := layout{whereabouts: whereabouts{namespace: "ns"}, spec: mlops.EnvironmentSpec{Target: mlops.Target{
			Settings: mlops.Settings{targetPrometheus: "http://prometheus:9090", targetMetrics: source},
		}}}
		f := figuresOf(l)
		queries := []string{f.query(f.requests, "ns", "a", time.Minute), f.quantile(0.95, "ns", "a", 90*time.Second)}
		if source == metricsKnative {
			queries = append(queries, f.query(f.errors, "ns", "a", time.Hour))
		}
		if source == metricsIstio {
			queries = append(
				queries, f.query(f.errors, "ns", "a", time.Hour), f.query(f.inFlight, "ns", "a", time.Minute),
				scene{place: place{layout: l}}.inFlight("a", &mlops.Scaling{Min: &zero}),
			)
		}
		for _, query := range queries {
			if strings.Contains(query, "$") {
				t.Errorf("%s is not filled in", query)
			}
			rules := fmt.Sprintf("groups:\n- name: g\n  rules:\n  - record: r\n    expr: %q\n", query)
			if err := kubetest.CheckRules(t, rules); err != nil {
				t.Errorf("%s: %v", query, err)
			}
		}
	}
}

// TestMeasure proves which figures of a variant are asked for, by Prometheus' own
// protocol, and what becomes of their absence.
func TestMeasure(t *testing.T) {
	t.Parallel()
	var server string // of the endpoint that is measured
	prometheus := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		value := ""
		switch {
		case !strings.Contains(query, `destination_service_name="`+predictor(server)+`"`):
		case strings.Contains(query, "5..|0"):
			value = "3.02"
		case strings.Contains(query, "istio_requests_total"):
			value = "99.97"
		case strings.Contains(query, "quantile(0.5,"):
			value = "0.02"
		case strings.Contains(query, "quantile(0.95,"):
			value = "NaN"
		}
		w.Header().Set("Content-Type", "application/json")
		if value != "" {
			value = fmt.Sprintf(`{"metric":{},"value":[1,%q]}`, value)
		}
		_, _ = fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[%s]}}`, value)
	}))
	t.Cleanup(prometheus.Close)
	s := newServing(t, mlops.Settings{targetPrometheus: prometheus.URL})
	spec := s.endpoint("measured", s.version("custom", "s3://bucket/a"))
	s.ready(s.create(spec), spec)
	server = s.services()[0]
	got, err := s.kind.Measure(t.Context(), spec.ID(), time.Now().Add(-time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]mlops.Figures{"main": {Requests: 100, Errors: 3, P50: mlops.Duration(20 * time.Millisecond)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
}
