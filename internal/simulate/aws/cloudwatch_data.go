package aws

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// decimal returns a number member with its fraction, or a default.
func decimal(in Params, name string, absent float64) float64 {
	n, ok := in[name].(json.Number)
	if !ok {
		return absent
	}
	f, err := n.Float64()
	if err != nil {
		return absent
	}
	return f
}

// moment returns a time member, or the zero time.
func moment(in Params, name string) time.Time { t, _ := in[name].(time.Time); return t }

// cloudwatchPutData keeps measurements. Names that begin with "AWS/" are the
// services' (API reference, PutMetricData).
func (w *World) cloudwatchPutData(c *Call) (Params, error) {
	namespace := text(c.In, "Namespace")
	if strings.HasPrefix(namespace, "AWS/") {
		return nil, fault("InvalidParameterValue", "The value AWS/ for parameter Namespace is invalid.")
	}
	for _, d := range structures(c.In, "MetricData") {
		samples, err := cloudwatchSamples(c, d)
		if err != nil {
			return nil, err
		}
		key := metricKey(c.Region, namespace, text(d, "MetricName"), dimensionsIn(d))
		w.cloudwatch().samples[key] = append(w.cloudwatch().samples[key], samples...)
	}
	return Params{}, nil
}

// cloudwatchSamples reads one datum: a value, values with their counts, or
// statistics.
func cloudwatchSamples(c *Call, d Params) ([]metricSample, error) {
	at, unit := moment(d, "Timestamp"), orElse(d, "Unit", "None")
	if at.IsZero() {
		at = c.Time
	}
	if s := structure(d, "StatisticValues"); s != nil {
		return []metricSample{{
			at: at, unit: unit, count: decimal(s, "SampleCount", 0), sum: decimal(s, "Sum", 0),
			least: decimal(s, "Minimum", 0), most: decimal(s, "Maximum", 0),
		}}, nil
	}
	values, counts := list(d, "Values"), list(d, "Counts")
	if d["Value"] != nil {
		values, counts = []any{d["Value"]}, nil
	}
	if len(values) == 0 || counts != nil && len(counts) != len(values) {
		return nil, fault("InvalidParameterCombination", "At least one of the parameters must be specified.")
	}
	var out []metricSample
	for i, v := range values {
		value, count := decimal(Params{"v": v}, "v", math.NaN()), 1.0
		if counts != nil {
			count = decimal(Params{"v": counts[i]}, "v", 1)
		}
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return nil, fault("InvalidParameterValue", "The value NaN for parameter MetricData.member.1.Value is invalid.")
		}
		out = append(out, metricSample{at: at, unit: unit, count: count, sum: value * count, least: value, most: value})
	}
	return out, nil
}

// cloudwatchStatistics is GetMetricStatistics.
func (w *World) cloudwatchStatistics(c *Call) (Params, error) {
	const mostPoints = 1440
	from, to, period := moment(c.In, "StartTime"), moment(c.In, "EndTime"), number(c.In, "Period", 0)
	stats := append(texts(c.In, "Statistics"), texts(c.In, "ExtendedStatistics")...)
	switch {
	case !from.Before(to):
		return nil, fault("InvalidParameterValue", "The parameter StartTime must be less than the parameter EndTime.")
	case !periodValid(period):
		return nil, fault("InvalidParameterValue", "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.")
	case len(stats) == 0:
		return nil, fault("InvalidParameterCombination", "At least one of the parameters Statistics and ExtendedStatistics must be specified.")
	case int64(to.Sub(from).Seconds())/period > mostPoints:
		return nil, fault("InvalidParameterCombination", "You have requested up to %d datapoints, which exceeds the limit of %d. You may reduce the datapoints requested by increasing Period, or decreasing the time range.", int64(to.Sub(from).Seconds())/period, mostPoints)
	}
	points := map[int64]Params{}
	for _, stat := range stats {
		if !simulated(stat) {
			return nil, fault("InvalidParameterValue", "The value %s for parameter ExtendedStatistics.member.1 is invalid.", stat)
		}
		for at, value := range w.statistic(c.Region, c.In, stat, period, from, to) {
			addPoint(points, at, stat, value, orElse(c.In, "Unit", "None"))
		}
	}
	out := []any{}
	for _, p := range sorted(points) {
		out = append(out, p)
	}
	return Params{"Label": text(c.In, "MetricName"), "Datapoints": out}, nil
}

func addPoint(points map[int64]Params, at int64, stat string, value float64, unit string) {
	p := points[at]
	if p == nil {
		p = Params{"Timestamp": time.Unix(at, 0).UTC(), "Unit": unit}
		points[at] = p
	}
	if slices.Contains(simpleStatistics, stat) {
		p[stat] = value
		return
	}
	extended := structure(p, "ExtendedStatistics")
	if extended == nil {
		extended = Params{}
		p["ExtendedStatistics"] = extended
	}
	extended[stat] = value
}

// cloudwatchData is GetMetricData.
func (w *World) cloudwatchData(c *Call) (Params, error) {
	from, to, queries := moment(c.In, "StartTime"), moment(c.In, "EndTime"), structures(c.In, "MetricDataQueries")
	if !from.Before(to) {
		return nil, fault("ValidationError", "The parameter StartTime must be less than the parameter EndTime.")
	}
	if words := queriesFault(queries); words != "" {
		return nil, fault("ValidationError", "%s", words)
	}
	known, err := w.compute(c.Region, queries, from, to)
	if err != nil {
		return nil, fault("ValidationError", "%s", err.Error())
	}
	results := []any{}
	for _, q := range queries {
		if !unlessFalse(q, "ReturnData") {
			continue
		}
		r := pointsOf(known[text(q, "Id")], text(c.In, "ScanBy") == "TimestampAscending")
		r["Id"], r["StatusCode"] = text(q, "Id"), "Complete"
		r["Label"] = orElse(q, "Label", orElse(structure(structure(q, "MetricStat"), "Metric"), "MetricName", text(q, "Id")))
		results = append(results, r)
	}
	return Params{"MetricDataResults": results, "Messages": []any{}}, nil
}

// pointsOf writes a series as two lists, newest first unless asked otherwise.
func pointsOf(s series, ascending bool) Params {
	keys := slices.Sorted(maps.Keys(s))
	if !ascending {
		slices.Reverse(keys)
	}
	times, values := []any{}, []any{}
	for _, at := range keys {
		times, values = append(times, time.Unix(at, 0).UTC()), append(values, s[at])
	}
	return Params{"Timestamps": times, "Values": values}
}

// queriesFault says what is wrong with metrics and expressions, or "".
func queriesFault(queries []Params) string {
	ids := map[string]bool{}
	for _, q := range queries {
		if ids[text(q, "Id")] {
			return "The values for parameter id in MetricDataQueries are not unique"
		}
		ids[text(q, "Id")] = true
	}
	for _, q := range queries {
		stat, expression := structure(q, "MetricStat"), text(q, "Expression")
		if (stat == nil) == (expression == "") {
			return "Exactly one of MetricStat and Expression must be specified for " + text(q, "Id")
		}
		if stat != nil {
			if words := statFault(stat); words != "" {
				return words
			}
			continue
		}
		e, err := parseMath(expression)
		if err != nil {
			return "Error in expression '" + text(q, "Id") + "': " + err.Error()
		}
		for _, name := range mathNames(e) {
			if !ids[name] {
				return "Error in expression '" + text(q, "Id") + "': The name '" + name + "' is not defined"
			}
		}
	}
	return ""
}

func statFault(stat Params) string {
	name := text(stat, "Stat")
	switch {
	case !periodValid(number(stat, "Period", 0)):
		return "Period must be 10, 20, 30 or a multiple of 60"
	case !slices.Contains(simpleStatistics, name) && !percentile.MatchString(name) && !otherStatistics.MatchString(name):
		return "Invalid statistic " + name
	}
	return ""
}

// compute finds the series of queries, whose expressions may refer to each other.
func (w *World) compute(region string, queries []Params, from, to time.Time) (map[string]series, error) {
	period := int64(0)
	for _, q := range queries {
		period = max(period, number(structure(q, "MetricStat"), "Period", number(q, "Period", 0)))
	}
	period = max(period, 1)
	m := metricMath{known: map[string]series{}, period: period}
	for at := from.Unix() - from.Unix()%period; at < to.Unix(); at += period {
		m.bins = append(m.bins, at)
	}
	for _, q := range queries {
		if stat := structure(q, "MetricStat"); stat != nil {
			in := maps.Clone(structure(stat, "Metric"))
			in["Unit"] = stat["Unit"]
			m.known[text(q, "Id")] = w.statistic(region, in, text(stat, "Stat"), number(stat, "Period", 0), from, to)
			if used, ok := w.usageNow(region, in); ok {
				m.known[text(q, "Id")] = series{m.bins[len(m.bins)-1]: used}
			}
		}
	}
	return m.known, m.expressions(queries)
}

// expressions computes in as many rounds as there are expressions, so that the
// order in which they are written does not matter.
func (m metricMath) expressions(queries []Params) error {
	for range queries {
		for _, q := range queries {
			id, source := text(q, "Id"), text(q, "Expression")
			if source == "" || m.known[id] != nil {
				continue
			}
			e, err := parseMath(source)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(mathNames(e), func(name string) bool { return m.known[name] == nil }) {
				s, err := m.compute(e)
				if err != nil {
					return err
				}
				m.known[id] = s
			}
		}
	}
	return nil
}
