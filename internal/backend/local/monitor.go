package local

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// Monitors returns the kind of monitors.
func (b *backend) Monitors() mlops.Kind[mlops.MonitorSpec, mlops.MonitorStatus] {
	return kind[mlops.MonitorSpec, mlops.MonitorStatus]{b.engine.Monitors(), mlops.NounMonitor, func(s mlops.MonitorSpec) string { return s.Name }}
}
