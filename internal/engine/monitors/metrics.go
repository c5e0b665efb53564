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
	checked            map[string]*prometheus.Desc // by name, what a check found
	starts, retraining *prometheus.Desc

	mu  sync.Mutex
	all map[mlops.ID]mlops.MonitorStatus
}

func newFigures() *figures {
	of := []string{"environment", "monitor"}
	with := func(more ...string) []string { return append(append([]string{}, of...), more...) }
	desc := func(name, help string, labels []string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	out := &figures{
		checked:    map[string]*prometheus.Desc{},
		starts:     desc("mlops_monitor_retraining_starts_month", "Starts of the pipeline in the calendar month of the last one.", of),
		retraining: desc("mlops_monitor_retraining_state", "1 for the state of retraining.", with("state")),
		all:        map[mlops.ID]mlops.MonitorStatus{},
	}
	for _, one := range mlops.MonitorMetrics() {
		out.checked[one.Name] = desc(one.Name, one.Help, with(one.Labels...))
	}
	return out
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
	ch <- f.starts
	ch <- f.retraining
	for _, d := range f.checked {
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
		if s.LastReport == nil {
			continue
		}
		for _, r := range s.LastReport.Readings() {
			gauge(f.checked[r.Name], r.Value, r.Of...)
		}
	}
}
