package mlops

import "strings"

// MetricViolated is the name of the metric by which alerts go.
const MetricViolated = "mlops_monitor_violated"

// MonitorMetric is what Prometheus gets to see of a monitor's last check. Wherever checks
// are made, it has this name and these labels, and two more, environment and monitor, for
// whose it is.
type MonitorMetric struct {
	Name   string
	Help   string
	Labels []string // beside environment and monitor
}

// MonitorReading is one value of a metric.
type MonitorReading struct {
	MonitorMetric

	Of    []string // values of the labels
	Value float64
}

// The metrics of a check.
const (
	metricViolated = iota
	metricValue
	metricThreshold
	metricRows
	metricChecked
)

// MonitorMetrics lists those of a check.
func MonitorMetrics() []MonitorMetric {
	return []MonitorMetric{
		metricViolated:  {MetricViolated, "Whether a check is violated; absent where it was not judged.", []string{"check"}},
		metricValue:     {"mlops_monitor_value", "Last value of a statistic.", []string{"check", "feature", "statistic"}},
		metricThreshold: {"mlops_monitor_threshold", "Value from which on a statistic violates its check.", []string{"check", "feature", "statistic"}},
		metricRows:      {"mlops_monitor_rows", "Rows of the last check.", nil},
		metricChecked:   {"mlops_monitor_last_check_timestamp_seconds", "When the last check was made.", nil},
	}
}

// Readings are the metrics of a report.
func (r MonitorReport) Readings() []MonitorReading {
	all := MonitorMetrics()
	out := []MonitorReading{
		{MonitorMetric: all[metricRows], Value: float64(r.Rows)},
		{MonitorMetric: all[metricChecked], Value: float64(r.At.Unix())},
	}
	for kind, check := range r.Checks {
		switch check.State {
		case MonitorViolated:
			out = append(out, MonitorReading{all[metricViolated], []string{kind}, 1})
		case MonitorOK:
			out = append(out, MonitorReading{all[metricViolated], []string{kind}, 0})
		case MonitorBroken, MonitorNoData, MonitorWaiting:
		}
		for _, f := range check.Features {
			if f.Value == nil {
				continue
			}
			of := []string{kind, strings.ToValidUTF8(f.Name, "\ufffd"), f.Statistic} // a label is text; a name may be of bytes
			out = append(out, MonitorReading{all[metricValue], of, *f.Value})
			if f.Threshold != nil {
				out = append(out, MonitorReading{all[metricThreshold], of, *f.Threshold})
			}
		}
	}
	return out
}
