package sagemaker

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// alarmSet collects the alarms that a monitor asks for.
type alarmSet struct {
	spec   mlops.MonitorSpec
	topic  string
	groups []string // that bias compares
	all    map[string]*cloudwatch.PutMetricAlarmInput
}

// monitorAlarms are the alarms that a monitor asks for, by name: for its health one
// for each limit and variant, for what its jobs measure one for each limit.
func monitorAlarms(p monitorPlan, variants []string) map[string]*cloudwatch.PutMetricAlarmInput {
	a := alarmSet{p.spec, p.topic, p.kept.Groups, map[string]*cloudwatch.PutMetricAlarmInput{}}
	if p.spec.Health != nil {
		for _, variant := range variants {
			a.healthAlarms(variant)
		}
	}
	if p.spec.ModelQuality != nil {
		a.qualityAlarms()
	}
	if p.spec.Bias != nil {
		a.biasAlarms()
	}
	return a.all
}

// add names an alarm by what it is about, and lets it tell.
func (a alarmSet) add(about, words string, in *cloudwatch.PutMetricAlarmInput) {
	name := nativeName(a.spec.ID(), maxName) + "-" + about
	in.AlarmName = &name
	in.AlarmDescription = aws.String(words + ", watched by " + string(a.spec.ID()))
	in.AlarmActions, in.OKActions = []string{a.topic}, []string{a.topic}
	if in.TreatMissingData == nil {
		in.TreatMissingData = aws.String("notBreaching")
	}
	a.all[name] = in
}

func (a alarmSet) healthAlarms(variant string) {
	h := a.spec.Health
	m := endpointMetrics{endpoint: nativeName(a.spec.Endpoint, maxName), variant: variant, window: a.spec.Window.Or(mlops.DefaultWindow)}
	add := func(limit, words string, in *cloudwatch.PutMetricAlarmInput) {
		a.add(variant+"-"+limit, words+" of variant "+variant, in)
	}
	if h.MaxErrorPercent != nil {
		add("errors", "percentage of failed requests", m.errors(*h.MaxErrorPercent, 0))
	}
	for stat, most := range map[string]mlops.Duration{"p50": h.MaxP50, "p95": h.MaxP95, "p99": h.MaxP99} {
		if most != 0 {
			add(stat, stat+" of latency", m.latency(stat, time.Duration(most)))
		}
	}
	if h.MinRequests > 0 {
		in := m.requests(h.MinRequests)
		in.TreatMissingData = aws.String("breaching") // no metric is no request
		add("requests", "number of requests", in)
	}
}

// putMonitorAlarms makes the alarms that are asked for, and removes others that
// were made for this monitor.
func (k monitorKind) putMonitorAlarms(ctx context.Context, c *clients, want map[string]*cloudwatch.PutMetricAlarmInput, id mlops.ID, tags []types.Tag) error {
	have, err := k.monitorAlarmsInForce(ctx, c, id)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, ok := have[name]; !ok {
			want[name].Tags = tags // of a new alarm only; later they are set apart
		}
		if _, err := c.cloudwatch.PutMetricAlarm(ctx, want[name]); err != nil {
			return err
		}
	}
	var gone []string
	for name := range have {
		if _, ok := want[name]; !ok {
			gone = append(gone, name)
		}
	}
	return deleteAlarms(ctx, c, gone)
}

// deleteAlarms removes alarms, as many at a time as CloudWatch takes.
func deleteAlarms(ctx context.Context, c *clients, names []string) error {
	const most = 100
	slices.Sort(names)
	for some := range slices.Chunk(names, most) {
		if _, err := c.cloudwatch.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: some}); err != nil {
			return err
		}
	}
	return nil
}

// monitorAlarmsInForce finds a monitor's alarms by the name that all of them
// begin with.
func (k monitorKind) monitorAlarmsInForce(ctx context.Context, c *clients, id mlops.ID) (map[string]types.MetricAlarm, error) {
	out := map[string]types.MetricAlarm{}
	pages := cloudwatch.NewDescribeAlarmsPaginator(c.cloudwatch, &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: aws.String(nativeName(id, maxName) + "-"),
		AlarmTypes:      []types.AlarmType{types.AlarmTypeMetricAlarm},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range page.MetricAlarms {
			if isOfMonitor(a, id) {
				out[aws.ToString(a.AlarmName)] = a
			}
		}
	}
	return out, nil
}

// isOfMonitor tells a monitor's alarm from one of another monitor whose name
// begins the same.
func isOfMonitor(a types.MetricAlarm, id mlops.ID) bool {
	return len(aws.ToString(a.AlarmDescription)) > 0 && hasSuffixWord(aws.ToString(a.AlarmDescription), string(id))
}

func hasSuffixWord(text, word string) bool {
	return len(text) > len(word) && text[len(text)-len(word):] == word && text[len(text)-len(word)-1] == ' '
}

// endpointMetrics makes alarms on what SageMaker measures of one variant.
type endpointMetrics struct {
	endpoint, variant string
	window            time.Duration
}

// namespace is where SageMaker puts the metrics of endpoints.
const namespace = "AWS/SageMaker"

// periods says how CloudWatch looks back: in seconds and how often.
func (m endpointMetrics) periods() (seconds, count int32) {
	w := max(m.window.Round(time.Minute), time.Minute)
	if w <= longestPeriod {
		return int32(w.Seconds()), 1
	}
	return int32(time.Hour.Seconds()), int32(w.Hours())
}

func (m endpointMetrics) dimensions() []types.Dimension {
	return []types.Dimension{
		{Name: aws.String("EndpointName"), Value: &m.endpoint},
		{Name: aws.String("VariantName"), Value: &m.variant},
	}
}

// latency alarms when a percentile of the model's latency is above a limit.
func (m endpointMetrics) latency(stat string, most time.Duration) *cloudwatch.PutMetricAlarmInput {
	seconds, count := m.periods()
	return &cloudwatch.PutMetricAlarmInput{
		Namespace: aws.String(namespace), MetricName: aws.String("ModelLatency"), Dimensions: m.dimensions(),
		ExtendedStatistic: &stat, Unit: types.StandardUnitMicroseconds,
		ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, Threshold: aws.Float64(float64(most.Microseconds())),
		Period: &seconds, EvaluationPeriods: &count,
	}
}

// requests alarms when there are too few.
func (m endpointMetrics) requests(least int64) *cloudwatch.PutMetricAlarmInput {
	seconds, count := m.periods()
	return &cloudwatch.PutMetricAlarmInput{
		Namespace: aws.String(namespace), MetricName: aws.String("Invocations"), Dimensions: m.dimensions(),
		Statistic:          types.StatisticSum,
		ComparisonOperator: types.ComparisonOperatorLessThanThreshold, Threshold: aws.Float64(float64(least)),
		Period: &seconds, EvaluationPeriods: &count,
	}
}

// errors alarms when too large a share of the requests failed, of at least so
// many requests.
func (m endpointMetrics) errors(mostPercent float64, least int64) *cloudwatch.PutMetricAlarmInput {
	seconds, count := m.periods()
	sum := func(id, metric string) types.MetricDataQuery {
		return types.MetricDataQuery{
			Id: &id, ReturnData: aws.Bool(false),
			MetricStat: &types.MetricStat{
				Metric: &types.Metric{Namespace: aws.String(namespace), MetricName: &metric, Dimensions: m.dimensions()},
				Period: &seconds, Stat: aws.String("Sum"),
			},
		}
	}
	return &cloudwatch.PutMetricAlarmInput{
		Metrics: []types.MetricDataQuery{
			sum("failed", "Invocation5XXErrors"),
			sum("requests", "Invocations"),
			{Id: aws.String("percent"), Expression: aws.String(errorShare(least)), Label: aws.String("failed requests, percent"), ReturnData: aws.Bool(true)},
		},
		ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, Threshold: &mostPercent,
		EvaluationPeriods: &count,
	}
}
