package aws

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// cloudwatchState is what the service keeps.
type cloudwatchState struct {
	alarms  map[string]*cloudwatchAlarm // by ARN
	samples map[string][]metricSample   // by metricKey
}

type cloudwatchAlarm struct {
	arn, name, region string
	in                Params
	tags              tagSet
	configured        time.Time
	state, reason     string
	changed, held     time.Time // when the state changed; until when SetAlarmState holds it
	reasonData        string
	ofPolicy          bool // Application Auto Scaling's own
}

// The states of alarms.
const (
	alarmOK           = "OK"
	alarmRings        = "ALARM"
	alarmInsufficient = "INSUFFICIENT_DATA"
)

// cloudwatch returns the service's state, made at its first use.
func (w *World) cloudwatch() *cloudwatchState {
	if w.alarms == nil {
		w.alarms = &cloudwatchState{alarms: map[string]*cloudwatchAlarm{}, samples: map[string][]metricSample{}}
	}
	return w.alarms
}

func (w *World) cloudwatchHandlers() map[string]Handler {
	all := tagging{
		arn: "ResourceARN", tags: "Tags", keys: "TagKeys", invalid: "InvalidParameterValue", many: "InvalidParameterValue", find: w.cloudwatchTags,
	}.handlers()
	maps.Copy(all, map[string]Handler{
		"PutMetricAlarm": w.cloudwatchPut, "DescribeAlarms": w.cloudwatchDescribe, "DeleteAlarms": w.cloudwatchDelete,
		"SetAlarmState": w.cloudwatchSet, "PutMetricData": w.cloudwatchPutData,
		"GetMetricData": w.cloudwatchData, "GetMetricStatistics": w.cloudwatchStatistics,
	})
	return all
}

func (w *World) cloudwatchTags(_ *Call, arn string) (tagSet, error) {
	if a := w.cloudwatch().alarms[arn]; a != nil {
		return a.tags, nil
	}
	return nil, s3Fault(http.StatusNotFound, "ResourceNotFoundException", "Unknown alarm %s", arn)
}

func alarmARN(c *Call, name string) string { return c.arn("cloudwatch", "alarm:"+name) }

// cloudwatchPut makes an alarm, or replaces all of one but its state. Tags count
// for a new alarm only (API reference, PutMetricAlarm).
func (w *World) cloudwatchPut(c *Call) (Params, error) {
	if words := alarmFault(c.In); words != "" {
		return nil, fault("ValidationError", "%s", words)
	}
	arn := alarmARN(c, text(c.In, "AlarmName"))
	a := w.cloudwatch().alarms[arn]
	if a == nil {
		if err := (tagging{tags: "Tags", invalid: "ValidationError", many: "ValidationError"}).check(c.In, nil); err != nil {
			return nil, err
		}
		a = &cloudwatchAlarm{
			arn: arn, name: text(c.In, "AlarmName"), region: c.Region, tags: tagsIn(c.In, "Tags"),
			state: alarmInsufficient, reason: "Unchecked: Initial alarm creation", changed: c.Time,
		}
		w.cloudwatch().alarms[arn] = a
	}
	a.in, a.configured, a.held = c.In, c.Time, time.Time{}
	return Params{}, nil
}

// alarmFault holds an alarm to the API reference, PutMetricAlarm, and says what is
// wrong, or "".
func alarmFault(in Params) string {
	const day, week, hour = 86400, 604800, 3600
	metrics, evaluations := structures(in, "Metrics"), number(in, "EvaluationPeriods", 0)
	missing := orElse(in, "TreatMissingData", "missing")
	switch {
	case !slices.Contains([]string{"breaching", "notBreaching", "ignore", "missing"}, missing):
		return "The value " + missing + " for parameter TreatMissingData is invalid."
	case number(in, "DatapointsToAlarm", evaluations) > evaluations:
		return "DatapointsToAlarm must be less than or equal to EvaluationPeriods"
	case in["Threshold"] == nil && text(in, "ThresholdMetricId") == "":
		return "The parameter Threshold must be specified."
	case len(metrics) > 0 && text(in, "MetricName") != "":
		return "The parameters MetricName and Metrics are mutually exclusive and you have specified both."
	}
	for _, member := range []string{"AlarmActions", "OKActions", "InsufficientDataActions"} {
		for _, arn := range texts(in, member) {
			if arnPart(arn, 2) == "" {
				return "Invalid arn syntax: " + arn
			}
		}
	}
	period := alarmPeriod(in)
	if limit := int64(day); period*evaluations > limit && (period < hour || period*evaluations > week) {
		return "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400)."
	}
	if len(metrics) > 0 {
		return alarmQueriesFault(in, metrics)
	}
	return alarmMetricFault(in)
}

// alarmPeriod is the length of an alarm's periods, in seconds.
func alarmPeriod(in Params) int64 {
	period := number(in, "Period", 0)
	for _, q := range structures(in, "Metrics") {
		period = max(period, number(structure(q, "MetricStat"), "Period", number(q, "Period", 0)))
	}
	return period
}

func alarmQueriesFault(in Params, metrics []Params) string {
	const most = 10
	returned := 0
	for _, q := range metrics {
		if unlessFalse(q, "ReturnData") {
			returned++
		}
	}
	for _, member := range []string{"Statistic", "ExtendedStatistic", "Namespace", "Dimensions", "Period", "Unit"} {
		if in[member] != nil {
			return "The parameters " + member + " and Metrics are mutually exclusive and you have specified both."
		}
	}
	switch {
	case len(metrics) > most:
		return "The collection Metrics must not have a size greater than 10."
	case returned != 1 && text(in, "ThresholdMetricId") == "":
		return "Exactly one element of the metrics list should return data."
	}
	return queriesFault(metrics)
}

func alarmMetricFault(in Params) string {
	simple, extended := text(in, "Statistic"), text(in, "ExtendedStatistic")
	switch {
	case text(in, "MetricName") == "" || text(in, "Namespace") == "":
		return "The parameters MetricName and Namespace must be specified, or Metrics."
	case (simple == "") == (extended == ""):
		return "Exactly one of the parameters Statistic and ExtendedStatistic must be specified."
	case extended != "" && !percentile.MatchString(extended) && !otherStatistics.MatchString(extended):
		return "The value " + extended + " for parameter ExtendedStatistic is invalid."
	case !periodValid(number(in, "Period", 0)):
		return "The parameter Period must be 10, 20, 30 or a multiple of 60."
	}
	return ""
}

// cloudwatchDescribe shows alarms, of which those on metrics are the only ones.
func (w *World) cloudwatchDescribe(c *Call) (Params, error) {
	names, prefix, state := texts(c.In, "AlarmNames"), text(c.In, "AlarmNamePrefix"), text(c.In, "StateValue")
	if names != nil && prefix != "" {
		return nil, fault("ValidationError", "AlarmNamePrefix and AlarmNames are mutually exclusive.")
	}
	var all []*cloudwatchAlarm
	for _, a := range sorted(w.cloudwatch().alarms) {
		if !a.listed(c) {
			continue
		}
		w.evaluate(a, c.Time)
		if state == "" || state == a.state {
			all = append(all, a)
		}
	}
	page, next, ok := pageOf(all, text(c.In, "NextToken"), int(number(c.In, "MaxRecords", 100)))
	if !ok {
		return nil, fault("InvalidNextToken", "The next token is invalid.")
	}
	shown := []any{}
	for _, a := range page {
		shown = append(shown, a.view())
	}
	out := Params{"MetricAlarms": shown, "CompositeAlarms": []any{}}
	if next != "" {
		out["NextToken"] = next
	}
	return out, nil
}

// listed reports whether a request asks for an alarm, whatever its state.
func (a *cloudwatchAlarm) listed(c *Call) bool {
	names, types := texts(c.In, "AlarmNames"), texts(c.In, "AlarmTypes")
	return a.region == c.Region && strings.HasPrefix(a.name, text(c.In, "AlarmNamePrefix")) &&
		(names == nil || slices.Contains(names, a.name)) && (types == nil || slices.Contains(types, "MetricAlarm"))
}

func (a *cloudwatchAlarm) view() Params {
	out := maps.Clone(a.in)
	delete(out, "Tags")
	for _, member := range []string{"OKActions", "AlarmActions", "InsufficientDataActions", "Dimensions"} {
		if out[member] == nil {
			out[member] = []any{}
		}
	}
	if list(a.in, "Metrics") != nil {
		out["Metrics"] = alarmMetricsView(a.in)
	}
	out["AlarmArn"], out["ActionsEnabled"] = a.arn, unlessFalse(a.in, "ActionsEnabled")
	out["StateValue"], out["StateReason"], out["StateUpdatedTimestamp"] = a.state, a.reason, a.changed
	out["StateTransitionedTimestamp"], out["AlarmConfigurationUpdatedTimestamp"] = a.changed, a.configured
	if a.reasonData != "" {
		out["StateReasonData"] = a.reasonData
	}
	return out
}

// alarmMetricsView says of each metric whether it is returned, which requests may
// leave out.
func alarmMetricsView(in Params) []any {
	out := []any{}
	for _, q := range structures(in, "Metrics") {
		q = maps.Clone(q)
		q["ReturnData"] = unlessFalse(q, "ReturnData")
		out = append(out, q)
	}
	return out
}

// cloudwatchDelete removes all alarms of a list, or none of them if one is not
// there: "If you specify an incorrect alarm name […], no alarms are deleted" (API
// reference, DeleteAlarms).
func (w *World) cloudwatchDelete(c *Call) (Params, error) {
	for _, name := range texts(c.In, "AlarmNames") {
		if w.cloudwatch().alarms[alarmARN(c, name)] == nil {
			return nil, s3Fault(http.StatusNotFound, "ResourceNotFound", "Alarm %s does not exist", name)
		}
	}
	for _, name := range texts(c.In, "AlarmNames") {
		delete(w.cloudwatch().alarms, alarmARN(c, name))
	}
	return Params{}, nil
}

// cloudwatchSet sets a state until the next evaluation, which is a minute later
// (API reference, SetAlarmState).
func (w *World) cloudwatchSet(c *Call) (Params, error) {
	a := w.cloudwatch().alarms[alarmARN(c, text(c.In, "AlarmName"))]
	if a == nil {
		return nil, s3Fault(http.StatusNotFound, "ResourceNotFound", "Alarm %s does not exist", text(c.In, "AlarmName"))
	}
	a.state, a.reason, a.reasonData = text(c.In, "StateValue"), text(c.In, "StateReason"), text(c.In, "StateReasonData")
	a.changed, a.held = c.Time, c.Time.Add(time.Minute)
	return Params{}, nil
}
