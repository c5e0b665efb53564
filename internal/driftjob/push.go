package driftjob

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
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

// figures are a report's, under the names that the engine's have too.
func figures(report mlops.MonitorReport) []prometheus.Collector {
	vector := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "mlops", Subsystem: "monitor", Name: name, Help: help}, labels)
	}
	violated := vector("violated", "Whether a check is violated.", "check")
	value := vector("value", "Last value of a statistic.", "check", "feature", "statistic")
	threshold := vector("threshold", "Value from which on a statistic violates its check.", "check", "feature", "statistic")
	checked := vector("checked_timestamp_seconds", "When the last check was made.")
	checked.WithLabelValues().Set(float64(report.At.Unix()))
	for kind, check := range report.Checks {
		switch check.State {
		case mlops.MonitorViolated:
			violated.WithLabelValues(kind).Set(1)
		case mlops.MonitorOK:
			violated.WithLabelValues(kind).Set(0)
		case mlops.MonitorBroken, mlops.MonitorNoData, mlops.MonitorWaiting:
		}
		for _, f := range check.Features {
			if f.Value == nil {
				continue
			}
			name := strings.ToValidUTF8(f.Name, "\ufffd") // a label is text; a name may be of bytes
			value.WithLabelValues(kind, name, f.Statistic).Set(*f.Value)
			if f.Threshold != nil {
				threshold.WithLabelValues(kind, name, f.Statistic).Set(*f.Threshold)
			}
		}
	}
	return []prometheus.Collector{violated, value, threshold, checked}
}
