package sagemaker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// maxRollbackAlarms is how many alarms may guard a rollout.
const maxRollbackAlarms = 10

// alarmPrefix is what the names of an endpoint's alarms begin with; a mark of their
// content follows.
func alarmPrefix(s scene) string { return s.name + "-gate-" }

// endpointAlarms are the alarms that a rollout's gates ask for, by name: one for
// each limit and variant with traffic. They are named by their content.
func endpointAlarms(s scene, spec mlops.ModelEndpointSpec) map[string]*cloudwatch.PutMetricAlarmInput {
	out := map[string]*cloudwatch.PutMetricAlarmInput{}
	if spec.Rollout == nil || spec.Rollout.Gates == nil || asksShadow(spec.Rollout) { // shadows are judged by their figures
		return out
	}
	window := max(spec.Rollout.Bake.Or(mlops.DefaultBake).Truncate(time.Minute), time.Minute)
	for name, v := range spec.Variants {
		if v.Traffic == 0 {
			continue
		}
		m := endpointMetrics{endpoint: s.name, variant: name, window: window}
		for words, in := range m.gates(spec.Rollout.Gates) {
			in.AlarmDescription = aws.String(words + " of variant " + name)
			in.TreatMissingData = aws.String("notBreaching")
			alarm := alarmPrefix(s) + shortHash(mlops.DigestOf(in))
			in.AlarmName = &alarm
			out[alarm] = in
		}
	}
	return out
}

// gates are the alarms of one variant, by what is limited.
func (m endpointMetrics) gates(g *mlops.Gates) map[string]*cloudwatch.PutMetricAlarmInput {
	out := map[string]*cloudwatch.PutMetricAlarmInput{}
	if g.MaxErrorPercent != nil {
		out["max_error_percent = "+strconv.FormatFloat(*g.MaxErrorPercent, 'g', -1, 64)] = m.errors(*g.MaxErrorPercent, g.MinRequests)
	}
	for stat, most := range map[string]mlops.Duration{"p50": g.MaxP50, "p95": g.MaxP95, "p99": g.MaxP99} {
		if most != 0 {
			out["max_"+stat+" = "+time.Duration(most).String()] = m.answerTime(stat, time.Duration(most), g.MinRequests)
		}
	}
	return out
}

// answerTime alarms when a percentile of the time that answers take, the model's and
// SageMaker's own, is above a limit. Their sum is at least the percentile of the sum.
func (m endpointMetrics) answerTime(stat string, most time.Duration, least int64) *cloudwatch.PutMetricAlarmInput {
	seconds, count := m.periods()
	query := func(id, metric, stat string) types.MetricDataQuery {
		return types.MetricDataQuery{
			Id: &id, ReturnData: aws.Bool(false),
			MetricStat: &types.MetricStat{
				Metric: &types.Metric{Namespace: aws.String(namespace), MetricName: &metric, Dimensions: m.dimensions()},
				Period: &seconds, Stat: &stat,
			},
		}
	}
	expression := fmt.Sprintf("IF(requests >= %d, (model + FILL(overhead, 0)) / 1000, 0)", max(least, 1))
	return &cloudwatch.PutMetricAlarmInput{
		Metrics: []types.MetricDataQuery{
			query("model", "ModelLatency", stat), query("overhead", "OverheadLatency", stat), query("requests", "Invocations", "Sum"),
			{Id: aws.String("milliseconds"), Expression: &expression, Label: aws.String("time of answers, ms"), ReturnData: aws.Bool(true)},
		},
		ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, Threshold: aws.Float64(float64(most.Microseconds()) / 1000),
		EvaluationPeriods: &count,
	}
}

// putEndpointAlarms makes the alarms that are not there yet.
func (k modelEndpointKind) putEndpointAlarms(ctx context.Context, s scene, want map[string]*cloudwatch.PutMetricAlarmInput, tags map[string]string) error {
	if len(want) == 0 {
		return nil
	}
	have, err := k.alarmsOfEndpoint(ctx, s)
	if err != nil {
		return err
	}
	tags = withoutRecord(tags)
	maps.DeleteFunc(tags, func(key, _ string) bool { return isEndpointMark(key) })
	for _, alarm := range slices.Sorted(maps.Keys(want)) {
		if _, ok := have[alarm]; ok {
			continue
		}
		want[alarm].Tags = cloudwatchTags(tags)
		if _, err := s.c.cloudwatch.PutMetricAlarm(ctx, want[alarm]); err != nil {
			return err
		}
	}
	return nil
}

// dropEndpointAlarms removes the alarms of an endpoint but some.
func (k modelEndpointKind) dropEndpointAlarms(ctx context.Context, s scene, keep map[string]*cloudwatch.PutMetricAlarmInput) error {
	have, err := k.alarmsOfEndpoint(ctx, s)
	if err != nil {
		return err
	}
	var gone []string
	for alarm := range have {
		if _, ok := keep[alarm]; !ok {
			gone = append(gone, alarm)
		}
	}
	return deleteAlarms(ctx, s.c, gone)
}

// ringingAlarms says which gates are broken now, in words.
func (k modelEndpointKind) ringingAlarms(ctx context.Context, s scene) ([]string, error) {
	have, err := k.alarmsOfEndpoint(ctx, s)
	if err != nil {
		return nil, err
	}
	var words []string
	for _, alarm := range slices.Sorted(maps.Keys(have)) {
		if a := have[alarm]; a.StateValue == types.StateValueAlarm {
			words = append(words, strings.TrimSpace(aws.ToString(a.AlarmDescription)+": "+aws.ToString(a.StateReason)))
		}
	}
	return words, nil
}

// alarmsOfEndpoint finds an endpoint's alarms by how their names begin.
func (k modelEndpointKind) alarmsOfEndpoint(ctx context.Context, s scene) (map[string]types.MetricAlarm, error) {
	out := map[string]types.MetricAlarm{}
	pages := cloudwatch.NewDescribeAlarmsPaginator(s.c.cloudwatch, &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: aws.String(alarmPrefix(s)), AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range page.MetricAlarms {
			if contentMark.MatchString(strings.TrimPrefix(aws.ToString(a.AlarmName), alarmPrefix(s))) {
				out[aws.ToString(a.AlarmName)] = a
			}
		}
	}
	return out, nil
}
