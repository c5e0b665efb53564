package aws

import (
	"fmt"
	"time"
)

// evaluate brings an alarm's state up to date. CloudWatch looks at the last
// periods; the one that has begun counts if it has data.
func (w *World) evaluate(a *cloudwatchAlarm, now time.Time) {
	if now.Before(a.held) || a.ofPolicy {
		return
	}
	period, count := alarmPeriod(a.in), number(a.in, "EvaluationPeriods", 1)
	end := now.Unix() - now.Unix()%period + period
	values, err := w.alarmSeries(a, time.Unix(end-(count+1)*period, 0), time.Unix(end, 0))
	if err != nil {
		a.become(alarmInsufficient, err.Error(), now)
		return
	}
	if _, begun := values[end-period]; !begun {
		end -= period
	}
	ringing, present := int64(0), int64(0)
	for at := end - count*period; at < end; at += period {
		v, ok := values[at]
		if ok {
			present++
		}
		if ok && breaches(a.in, v) || !ok && text(a.in, "TreatMissingData") == "breaching" {
			ringing++
		}
	}
	a.become(a.judged(ringing, present), fmt.Sprintf("Threshold Crossed: %d out of the last %d datapoints", ringing, count), now)
}

// judged is the state that follows from the periods (user guide, "Configuring how
// CloudWatch alarms treat missing data").
func (a *cloudwatchAlarm) judged(ringing, present int64) string {
	missing := orElse(a.in, "TreatMissingData", "missing")
	switch {
	case ringing >= number(a.in, "DatapointsToAlarm", number(a.in, "EvaluationPeriods", 1)):
		return alarmRings
	case present > 0 || missing == "notBreaching" || missing == "breaching":
		return alarmOK
	case missing == "ignore":
		return a.state
	}
	return alarmInsufficient
}

func (a *cloudwatchAlarm) become(state, reason string, now time.Time) {
	if a.state != state {
		a.state, a.reason, a.reasonData, a.changed = state, reason, "", now
	}
}

// alarmSeries are the values that an alarm watches.
func (w *World) alarmSeries(a *cloudwatchAlarm, from, to time.Time) (series, error) {
	queries := structures(a.in, "Metrics")
	if len(queries) == 0 {
		stat := orElse(a.in, "Statistic", text(a.in, "ExtendedStatistic"))
		if !simulated(stat) {
			return nil, fmt.Errorf("the statistic %s is not simulated", stat)
		}
		return w.statistic(a.region, a.in, stat, number(a.in, "Period", 0), from, to), nil
	}
	known, err := w.compute(a.region, queries, from, to)
	if err != nil {
		return nil, err
	}
	for _, q := range queries {
		if unlessFalse(q, "ReturnData") {
			return known[text(q, "Id")], nil
		}
	}
	return series{}, nil
}

// breaches reports whether a value is on the wrong side of the threshold.
// Bands of anomaly detection are not simulated: nothing breaches them.
func breaches(in Params, value float64) bool {
	threshold := decimal(in, "Threshold", 0)
	switch text(in, "ComparisonOperator") {
	case "GreaterThanThreshold":
		return value > threshold
	case "GreaterThanOrEqualToThreshold":
		return value >= threshold
	case "LessThanThreshold":
		return value < threshold
	case "LessThanOrEqualToThreshold":
		return value <= threshold
	}
	return false
}

// alarmState is the state of the alarm of a name, "" if there is none.
func (w *World) alarmState(name string) string {
	for _, a := range w.cloudwatch().alarms {
		if a.name == name {
			w.evaluate(a, w.config.Now().UTC())
			return a.state
		}
	}
	return ""
}
