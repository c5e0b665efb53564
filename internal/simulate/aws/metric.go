package aws

import (
	"cmp"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sample is one measurement.
type Sample struct {
	Namespace, Metric string
	Dimensions        map[string]string
	At                time.Time
	Value             float64
	Unit              string // "None" if empty
}

// PutSamples adds measurements, as the services do of themselves: also to the
// namespaces that PutMetricData refuses.
func (w *World) PutSamples(region string, all ...Sample) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range all {
		w.putSample(region, s)
	}
}

// putSample adds a measurement.
func (w *World) putSample(region string, s Sample) {
	key := metricKey(region, s.Namespace, s.Metric, s.Dimensions)
	w.cloudwatch().samples[key] = append(w.cloudwatch().samples[key], metricSample{
		at: s.At, count: 1, sum: s.Value, least: s.Value, most: s.Value, unit: cmp.Or(s.Unit, "None"),
	})
}

// metricSample is what one call measured, perhaps of several things.
type metricSample struct {
	at                      time.Time
	count, sum, least, most float64
	unit                    string
}

// metricKey is what tells metrics apart: the dimensions all count.
func metricKey(region, namespace, metric string, dimensions map[string]string) string {
	parts := []string{region, namespace, metric}
	for _, name := range slices.Sorted(maps.Keys(dimensions)) {
		parts = append(parts, name+"="+dimensions[name])
	}
	return strings.Join(parts, "\x00")
}

// dimensionsIn reads the member Dimensions.
func dimensionsIn(in Params) map[string]string {
	out := map[string]string{}
	for _, d := range structures(in, "Dimensions") {
		out[text(d, "Name")] = text(d, "Value")
	}
	return out
}

// series are values by the start of their period, in seconds.
type series map[int64]float64

// statistic makes a series of a metric's samples between two times.
func (w *World) statistic(region string, in Params, stat string, period int64, from, to time.Time) series {
	key := metricKey(region, text(in, "Namespace"), text(in, "MetricName"), dimensionsIn(in))
	bins := map[int64][]metricSample{}
	for _, s := range w.cloudwatch().samples[key] {
		if unit := text(in, "Unit"); s.at.Before(from) || !s.at.Before(to) || unit != "" && unit != s.unit {
			continue
		}
		start := s.at.Unix() - s.at.Unix()%period
		bins[start] = append(bins[start], s)
	}
	out := series{}
	for start, all := range bins {
		out[start] = statisticOf(all, stat)
	}
	return out
}

var (
	simpleStatistics = []string{"SampleCount", "Average", "Sum", "Minimum", "Maximum"}
	percentile       = regexp.MustCompile(`^p(\d{1,2}(\.\d{1,10})?|100)$`)
	otherStatistics  = regexp.MustCompile(`^((tm|wm|tc|ts)(\d{1,2}(\.\d{1,10})?|100)|(TM|WM|TC|TS|PR)\([^)]+\)|IQM)$`)
	metricPeriods    = []int64{1, 5, 10, 20, 30}
)

// statisticOf is a statistic of one period's samples. Of the extended ones only
// percentiles are known, by the nearest rank.
func statisticOf(all []metricSample, stat string) float64 {
	total := metricSample{least: math.Inf(1), most: math.Inf(-1)}
	for _, s := range all {
		total.count += s.count
		total.sum += s.sum
		total.least, total.most = min(total.least, s.least), max(total.most, s.most)
	}
	switch stat {
	case "SampleCount":
		return total.count
	case "Sum":
		return total.sum
	case "Minimum":
		return total.least
	case "Maximum":
		return total.most
	case "Average":
		return total.sum / total.count
	}
	return percentileOf(all, stat, total.count)
}

func percentileOf(all []metricSample, stat string, count float64) float64 {
	share, err := strconv.ParseFloat(strings.TrimPrefix(stat, "p"), 64)
	if err != nil {
		return math.NaN()
	}
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b metricSample) int { return cmp.Compare(a.sum/a.count, b.sum/b.count) })
	rank, seen := math.Ceil(share/100*count), 0.0
	for _, s := range all {
		if seen += s.count; seen >= rank {
			return s.sum / s.count
		}
	}
	return math.NaN()
}

// simulated reports whether a statistic can be computed here.
func simulated(stat string) bool {
	return slices.Contains(simpleStatistics, stat) || percentile.MatchString(stat)
}

// periodValid reports whether CloudWatch knows a period (API reference,
// PutMetricAlarm: 10, 20, 30 and multiples of 60).
func periodValid(seconds int64) bool {
	return seconds > 0 && (seconds%60 == 0 || slices.Contains(metricPeriods, seconds))
}
