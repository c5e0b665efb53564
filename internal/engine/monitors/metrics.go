package monitors

import (
	"cmp"
	"maps"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// figures shows what monitors found to Prometheus.
type figures struct {
	violated, value, threshold, rows, checked, starts, retraining *prometheus.Desc

	mu  sync.Mutex
	all map[mlops.ID]mlops.MonitorStatus
}

func newFigures() *figures {
	of := []string{"environment", "monitor"}
	with := func(more ...string) []string { return append(append([]string{}, of...), more...) }
	desc := func(name, help string, labels []string) *prometheus.Desc {
		return prometheus.NewDesc("mlops_monitor_"+name, help, labels, nil)
	}
	return &figures{
		violated:   desc("violated", "Whether a check is violated.", with("check")),
		value:      desc("value", "Last value of a statistic.", with("check", "feature", "statistic")),
		threshold:  desc("threshold", "Value from which on a statistic violates its check.", with("check", "feature", "statistic")),
		rows:       desc("rows", "Rows of the last check.", of),
		checked:    desc("last_check_timestamp_seconds", "When the last check was made.", of),
		starts:     desc("retraining_starts_month", "Starts of the pipeline in the calendar month of the last one.", of),
		retraining: desc("retraining_state", "1 for the state of retraining.", with("state")),
		all:        map[mlops.ID]mlops.MonitorStatus{},
	}
}

func (f *figures) show(id mlops.ID, s mlops.MonitorStatus) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all[id] = s
}

func (f *figures) forget(id mlops.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, id)
}

// Collector shows the monitors' figures to Prometheus.
func (s *Service) Collector() prometheus.Collector { return s.figure }

// Describe implements prometheus.Collector.
func (f *figures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{f.violated, f.value, f.threshold, f.rows, f.checked, f.starts, f.retraining} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (f *figures) Collect(ch chan<- prometheus.Metric) {
	f.mu.Lock()
	all := maps.Clone(f.all)
	f.mu.Unlock()
	for id, s := range all {
		gauge := func(d *prometheus.Desc, v float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{id.Environment().Name(), id.Name()}, labels...)...)
		}
		gauge(f.starts, float64(s.Retraining.ThisMonth))
		gauge(f.retraining, 1, string(cmp.Or(s.Retraining.State, mlops.RetrainingIdle)))
		r := s.LastReport
		if r == nil {
			continue
		}
		gauge(f.rows, float64(r.Rows))
		gauge(f.checked, float64(r.At.Unix()))
		for kind, check := range r.Checks {
			violated := 0.0
			if check.State == mlops.MonitorViolated {
				violated = 1
			}
			gauge(f.violated, violated, kind)
			for _, one := range check.Features {
				if one.Value != nil {
					gauge(f.value, *one.Value, kind, one.Name, one.Statistic)
				}
				if one.Value != nil && one.Threshold != nil {
					gauge(f.threshold, *one.Threshold, kind, one.Name, one.Statistic)
				}
			}
		}
	}
}
