package sagemaker

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// monitorStatus is what the alarms say now. What runs of schedules found is added
// where those are looked at.
func (k monitorKind) monitorStatus(ctx context.Context, s monitorScene, spec mlops.MonitorSpec, created time.Time) (mlops.MonitorStatus, error) {
	status := mlops.MonitorStatus{
		State: mlops.MonitorWaiting, Since: created,
		Retraining: mlops.Retraining{State: mlops.RetrainingIdle},
		Baseline:   mlops.BaselineStatus{Features: []string{}},
	}
	if spec.Health == nil && spec.ModelQuality == nil && spec.Bias == nil {
		return status, nil
	}
	alarms, err := k.monitorAlarmsInForce(ctx, s.c, s.id)
	if err != nil {
		return status, err
	}
	for _, check := range spec.Checks() {
		if some := alarmsOf(check, alarms); len(some) > 0 {
			addAlarms(&status, s.id, spec, check, some)
		}
	}
	return status, nil
}

// alarmsOf are the alarms of one check.
func alarmsOf(check string, alarms map[string]types.MetricAlarm) map[string]types.MetricAlarm {
	out := maps.Clone(alarms)
	maps.DeleteFunc(out, func(_ string, a types.MetricAlarm) bool { return checkOf(a) != check })
	return out
}

// checkOf says by what an alarm watches which check it belongs to.
func checkOf(a types.MetricAlarm) string {
	switch aws.ToString(a.Namespace) {
	case qualityNamespace:
		return "model_quality"
	case biasNamespace:
		return "bias"
	}
	return "health"
}

// addAlarms adds what the alarms of a check say together to a status.
func addAlarms(status *mlops.MonitorStatus, id mlops.ID, spec mlops.MonitorSpec, check string, alarms map[string]types.MetricAlarm) {
	latest := time.Time{}
	for _, a := range alarms {
		at := aws.ToTime(a.StateUpdatedTimestamp)
		latest = later(latest, at)
		if a.StateValue == types.StateValueAlarm {
			status.LastViolated = later(status.LastViolated, at)
		}
	}
	report := alarmReport(alarms)
	if report.State == mlops.MonitorWaiting {
		return
	}
	addCheck(status, id, check, report, latest)
	status.LastReport.Until = later(status.LastReport.Until, latest)
	status.LastReport.From = status.LastReport.Until.Add(-spec.Window.Or(mlops.DefaultWindow))
}

// addCheck adds the outcome of one check, made at some time, to a status. The worst
// outcome is the monitor's.
func addCheck(status *mlops.MonitorStatus, id mlops.ID, check string, report mlops.CheckReport, at time.Time) {
	if status.LastReport == nil {
		status.LastReport = &mlops.MonitorReport{Monitor: id, State: mlops.MonitorWaiting, Checks: map[string]mlops.CheckReport{}}
	}
	r := status.LastReport
	r.Checks[check] = report
	r.At = later(r.At, at)
	if worse(report.State, r.State) {
		r.State, r.Reason = report.State, report.Reason
		status.State, status.Since = report.State, at
	}
}

// addRun adds what a run of a job's schedule found to a status. Figures are those of
// the alarms, where the checks have any.
func (p monitorPlan) addRun(j monitorJob, run smtypes.MonitoringExecutionSummary, status *mlops.MonitorStatus) {
	state, _ := executionState(run.MonitoringExecutionStatus)
	for _, check := range p.spec.Checks() {
		if !slices.Contains(j.checks, check) {
			continue
		}
		report := mlops.CheckReport{State: state, Reason: aws.ToString(run.FailureReason), Features: []mlops.FeatureReport{}}
		if status.LastReport != nil {
			if known, ok := status.LastReport.Checks[check]; ok {
				report.Features = known.Features
				if worse(known.State, state) {
					report.State, report.Reason = known.State, known.Reason
				}
			}
		}
		addCheck(status, p.id, check, report, aws.ToTime(run.LastModifiedTime))
		r := status.LastReport
		r.Until = later(r.Until, aws.ToTime(run.ScheduledTime))
		r.From = r.Until.Add(-p.spec.Window.Or(mlops.DefaultWindow))
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// worse orders the states of a monitor by how much they matter.
func worse(a, b mlops.MonitorState) bool {
	rank := map[mlops.MonitorState]int{mlops.MonitorWaiting: 0, mlops.MonitorNoData: 1, mlops.MonitorOK: 2, mlops.MonitorBroken: 3, mlops.MonitorViolated: 4}
	return rank[a] > rank[b]
}

// alarmReport is what alarms say together: the worst of them.
func alarmReport(alarms map[string]types.MetricAlarm) mlops.CheckReport {
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
	case checkOf(a) == "bias":
		return biasStatistic(strings.TrimPrefix(aws.ToString(a.MetricName), biasMetricPrefix))
	case checkOf(a) == "model_quality":
		return aws.ToString(a.MetricName)
	case a.ExtendedStatistic != nil:
		return *a.ExtendedStatistic + "_latency_microseconds"
	case len(a.Metrics) > 0:
		return "error_percent"
	}
	return "requests"
}
