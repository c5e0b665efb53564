package driftjob

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	prompush "github.com/prometheus/client_golang/prometheus/push"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	pushJob     = "mlops_monitor"
	pushTimeout = 30 * time.Second
)

// gateway is where a Pushgateway is, and who may push there.
type gateway struct {
	address, user, password string
}

func newGateway(text string) (gateway, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return gateway{}, errors.New("--push is no URL of a Pushgateway: write http://host:9091") // it may hold a password
	}
	var g gateway
	if u.User != nil {
		g.user = u.User.Username()
		g.password, _ = u.User.Password()
		u.User = nil
	}
	g.address = u.String()
	return g, nil
}

// push replaces what the gateway knows of a monitor by the figures of a report. A
// check that could not be made takes nothing away: what is known grows old.
func push(ctx context.Context, to string, report mlops.MonitorReport) error {
	g, err := newGateway(to)
	if err != nil || report.State == mlops.MonitorBroken {
		return err
	}
	p := prompush.New(g.address, pushJob).Client(&http.Client{Timeout: pushTimeout}).
		Grouping("environment", report.Monitor.Environment().Name()).Grouping("monitor", report.Monitor.Name())
	for _, c := range figures(report) {
		p.Collector(c)
	}
	if g.user != "" {
		p.BasicAuth(g.user, g.password)
	}
	if err := p.PushContext(ctx); err != nil {
		return fmt.Errorf("push the figures: %w", err)
	}
	return nil
}

// figures are a report's, as the engine's are too.
func figures(report mlops.MonitorReport) []prometheus.Collector {
	vectors, all := map[string]*prometheus.GaugeVec{}, []prometheus.Collector{}
	for _, f := range mlops.MonitorMetrics() {
		vectors[f.Name] = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: f.Name, Help: f.Help}, f.Labels)
		all = append(all, vectors[f.Name])
	}
	for _, r := range report.Readings() {
		vectors[r.Name].WithLabelValues(r.Of...).Set(r.Value)
	}
	return all
}
