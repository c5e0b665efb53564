package driftjob

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// pushed keeps what a Pushgateway is sent, read by Prometheus's own decoder.
type pushed struct {
	URL string

	mu       sync.Mutex
	requests []string
	figures  map[string]float64
}

func newPushed(t *testing.T, status int) *pushed {
	t.Helper()
	p := &pushed{figures: map[string]float64{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		user, password, _ := r.BasicAuth()
		p.requests = append(p.requests, fmt.Sprintf("%s %s %s:%s", r.Method, r.URL.Path, user, password))
		decoder := expfmt.NewDecoder(r.Body, expfmt.ResponseFormat(r.Header))
		for {
			family := &dto.MetricFamily{}
			if decoder.Decode(family) != nil {
				break
			}
			for _, m := range family.GetMetric() {
				p.figures[family.GetName()+labels(m)] = m.GetGauge().GetValue()
			}
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

func labels(m *dto.Metric) string {
	var out []string
	for _, l := range m.GetLabel() {
		out = append(out, l.GetName()+"="+l.GetValue())
	}
	return "{" + strings.Join(out, ",") + "}"
}

func TestPush(t *testing.T) {
	t.Parallel()
	p, b := newPushed(t, http.StatusOK), newBench(t)
	b.sendAll(noon().Add(-time.Hour), people(t, 30))
	out := b.run(spec(nil), "--push", strings.Replace(p.URL, "http://", "http://us:s3cret@", 1)+"/")
	out.want(t, exitOK, "violated", "")
	if d := cmp.Diff([]string{"PUT /metrics/job/mlops_monitor/environment/dev/monitor/watch us:s3cret"}, p.requests); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
	want := map[string]float64{
		"mlops_monitor_violated{check=data_drift}":     1,
		"mlops_monitor_last_check_timestamp_seconds{}": float64(noon().Unix()),
		"mlops_monitor_rows{}":                         float64(out.Report.Rows),
	}
	for _, f := range out.Report.Checks["data_drift"].Features {
		of := fmt.Sprintf("{check=data_drift,feature=%s,statistic=%s}", f.Name, f.Statistic)
		want["mlops_monitor_value"+of], want["mlops_monitor_threshold"+of] = *f.Value, *f.Threshold
	}
	if d := cmp.Diff(want, p.figures); d != "" {
		t.Errorf("figures (-want +got):\n%s", d)
	}
	if !slices.Contains(slices.Collect(maps.Keys(want)), "mlops_monitor_value{check=data_drift,feature=age,statistic=psi}") {
		t.Errorf("no figure of age in %v", want)
	}
}

// TestPushOfTooFew: what was not judged is neither violated nor not.
func TestPushOfTooFew(t *testing.T) {
	t.Parallel()
	p, b := newPushed(t, http.StatusAccepted), newBench(t)
	b.run(spec(nil), "--push", p.URL).want(t, exitOK, "no_data", "")
	want := map[string]float64{"mlops_monitor_last_check_timestamp_seconds{}": float64(noon().Unix()), "mlops_monitor_rows{}": 0}
	if d := cmp.Diff(want, p.figures); d != "" {
		t.Errorf("figures (-want +got):\n%s", d)
	}
}

// TestPushFails: what was found is there nonetheless, and no password is told.
func TestPushFails(t *testing.T) {
	t.Parallel()
	p, b := newPushed(t, http.StatusServiceUnavailable), newBench(t)
	b.sendAll(noon().Add(-time.Hour), people(t, 0))
	for _, to := range []string{strings.Replace(p.URL, "http://", "http://us:s3cret@", 1), "http://us:s3cret@127.0.0.1:1"} {
		out := b.run(spec(nil), "--push", to)
		out.want(t, exitFailed, "ok", "")
		if !strings.Contains(out.stderr, "push the figures") || strings.Contains(out.stderr, "s3cret") {
			t.Errorf("it says %q", out.stderr)
		}
	}
}

// TestBrokenIsNotPushed: what is known grows old.
func TestBrokenIsNotPushed(t *testing.T) {
	t.Parallel()
	p, b := newPushed(t, http.StatusOK), newBench(t)
	b.run(spec(nil), "--baseline", "", "--push", p.URL).want(t, exitFailed, "broken", "")
	if len(p.requests) != 0 {
		t.Errorf("pushed %v", p.requests)
	}
}
