package kubernetes

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// Monitors returns the kind of monitors.
func (b *backend) Monitors() mlops.Kind[mlops.MonitorSpec, mlops.MonitorStatus] {
	return notYet[mlops.MonitorSpec, mlops.MonitorStatus]{mlops.NounMonitor}
}
