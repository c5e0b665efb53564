package sagemaker

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// monitorStatus is what the alarms say now. Findings on data are added where the
// schedule is looked at.
func (k monitorKind) monitorStatus(ctx context.Context, s monitorScene, spec mlops.MonitorSpec, created time.Time) (mlops.MonitorStatus, error) {
	status := mlops.MonitorStatus{
		State: mlops.MonitorWaiting, Since: created,
		Retraining: mlops.Retraining{State: mlops.RetrainingIdle},
		Baseline:   mlops.BaselineStatus{Features: []string{}},
	}
	if spec.Health == nil {
		return status, nil
	}
	alarms, err := k.monitorAlarmsInForce(ctx, s.c, s.id)
	if err != nil {
		return status, err
	}
	health := healthReport(alarms)
	latest := created
	for _, a := range alarms {
		if at := aws.ToTime(a.StateUpdatedTimestamp); at.After(latest) {
			latest = at
		}
		if a.StateValue == types.StateValueAlarm {
			status.LastViolated = latest
		}
	}
	status.State, status.Since = health.State, latest
	if health.State == mlops.MonitorWaiting {
		return status, nil
	}
	status.LastReport = &mlops.MonitorReport{
		Monitor: s.id, At: latest, From: latest.Add(-spec.Window.Or(mlops.DefaultWindow)), Until: latest,
		State: health.State, Reason: health.Reason, Checks: map[string]mlops.CheckReport{"health": health},
	}
	return status, nil
}

// healthReport is what alarms say together: the worst of them.
func healthReport(alarms map[string]types.MetricAlarm) mlops.CheckReport {
	report := mlops.CheckReport{State: mlops.MonitorWaiting, Features: []mlops.FeatureReport{}}
	for _, name := range slices.Sorted(maps.Keys(alarms)) {
		a := alarms[name]
		violated := a.StateValue == types.StateValueAlarm
		switch {
		case violated:
			report.State, report.Reason = mlops.MonitorViolated, aws.ToString(a.StateReason)
		case a.StateValue == types.StateValueOk && report.State == mlops.MonitorWaiting:
			report.State = mlops.MonitorOK
		}
		report.Features = append(report.Features, mlops.FeatureReport{
			Name: name, Statistic: statisticOf(a), Threshold: a.Threshold, Violated: violated, Reason: aws.ToString(a.StateReason),
		})
	}
	return report
}

// statisticOf names what an alarm looks at.
func statisticOf(a types.MetricAlarm) string {
	switch {
	case a.ExtendedStatistic != nil:
		return *a.ExtendedStatistic + "_latency_microseconds"
	case len(a.Metrics) > 0:
		return "error_percent"
	}
	return "requests"
}
