package sagemaker

import (
	"context"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Windows of CloudWatch alarms: up to a day in one period, up to a week in
// periods of an hour or more.
const (
	longestPeriod = 24 * time.Hour
	longestWindow = 7 * 24 * time.Hour
)

// Preflight refuses what only SageMaker does not have; see mlops.Preflighter.
func (k monitorKind) Preflight(_ context.Context, spec mlops.MonitorSpec, c *mlops.Checker) error {
	checkMonitor(c, spec)
	return nil
}

// checkMonitor refuses what SageMaker, CloudWatch and EventBridge cannot do.
func checkMonitor(c *mlops.Checker, spec mlops.MonitorSpec) {
	if w := time.Duration(spec.Window); w > longestWindow {
		c.Add(mlops.At("window"), "Window too long", "CloudWatch looks back at most 7 days.")
	} else if w != 0 && w < time.Minute {
		c.Add(mlops.At("window"), "Window too short", "CloudWatch counts in minutes; look back at least 1m.")
	}
	if watchesData(spec) {
		if _, err := monitoringCron(spec.Schedule.Cron, spec.Schedule.Timezone); err != nil {
			c.Add(mlops.At("schedule", "cron"), "Not a schedule of Model Monitor", "SageMaker Model Monitor runs by the hour: %s.", err)
		}
	}
	checkMonitorDrift(c, spec.DataDrift)
	if q := spec.DataQuality; q != nil && q.MaxRangePercent != nil {
		c.Add(mlops.At("data_quality", "max_range_percent"), "Not available on sagemaker", "SageMaker Model Monitor does not compare ranges: leave it out.")
	}
	if a := spec.Alerts; a != nil && a.Repeat != 0 {
		c.Add(mlops.At("alerts", "repeat"), "Not available on sagemaker", "Alerts are sent when a state changes, and not repeated: leave it out.")
	}
	if o := spec.OnViolation; o != nil {
		if o.Cooldown != 0 {
			c.Add(mlops.At("on_violation", "cooldown"), "Not available on sagemaker", "EventBridge starts the pipeline at each violation and keeps no count: leave cooldown out, and let the schedule be as rare as a run may be.")
		}
		if o.MaxPerMonth != nil {
			c.Add(mlops.At("on_violation", "max_per_month"), "Not available on sagemaker", "EventBridge starts the pipeline at each violation and keeps no count: leave max_per_month out.")
		}
	}
}

func checkMonitorDrift(c *mlops.Checker, d *mlops.DriftCheck) {
	if d == nil {
		return
	}
	if d.Statistic != "" && d.Statistic != "ks" {
		c.Add(mlops.At("data_drift", "statistic"), "Not available on sagemaker", "SageMaker Model Monitor compares distributions by statistic = \"ks\" only.")
	}
	if d.MaxDrifted != nil && *d.MaxDrifted != 0 {
		c.Add(mlops.At("data_drift", "max_drifted_percent"), "Not available on sagemaker", "SageMaker Model Monitor reports any feature that drifted: leave it out.")
	}
}

// watchesData reports whether a monitor needs Model Monitor.
func watchesData(spec mlops.MonitorSpec) bool {
	return spec.DataDrift != nil || spec.DataQuality != nil
}
