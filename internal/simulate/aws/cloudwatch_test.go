package aws_test

import (
	"fmt"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
)

var (
	morning    = time.Date(2026, 3, 1, 9, 0, 30, 0, time.UTC)
	dimensions = []types.Dimension{{Name: sdk.String("EndpointName"), Value: sdk.String("churn")}, {Name: sdk.String("VariantName"), Value: sdk.String("a")}}
)

// openMetrics starts an account whose clock a test moves.
func openMetrics(t *testing.T) (*awstest.Server, *cloudwatch.Client, *time.Time) {
	t.Helper()
	now := morning
	server, config := openServices(t, aws.Config{Now: func() time.Time { return now }})
	return server, cloudwatch.NewFromConfig(config), &now
}

// measure adds samples of the endpoint's metrics.
func measure(server *awstest.Server, at time.Time, metric string, values ...float64) {
	for _, v := range values {
		server.World.PutSamples("us-east-1", aws.Sample{
			Namespace: "AWS/SageMaker", Metric: metric, Dimensions: map[string]string{"EndpointName": "churn", "VariantName": "a"}, At: at, Value: v,
		})
	}
}

// query is a metric of the endpoint.
func query(id, metric, stat string) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, ReturnData: sdk.Bool(false), MetricStat: &types.MetricStat{
		Metric: &types.Metric{Namespace: sdk.String("AWS/SageMaker"), MetricName: &metric, Dimensions: dimensions}, Period: sdk.Int32(60), Stat: &stat,
	}}
}

func stateOf(t *testing.T, c *cloudwatch.Client, name string) types.StateValue {
	t.Helper()
	out := must[*cloudwatch.DescribeAlarmsOutput](t)(c.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}}))
	if len(out.MetricAlarms) != 1 {
		t.Fatalf("found %d alarms", len(out.MetricAlarms))
	}
	return out.MetricAlarms[0].StateValue
}

func TestAlarmOnMath(t *testing.T) {
	t.Parallel()
	server, c, now := openMetrics(t)
	must[*cloudwatch.PutMetricAlarmOutput](t)(c.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: sdk.String("errors"), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, Threshold: sdk.Float64(10),
		EvaluationPeriods: sdk.Int32(2), DatapointsToAlarm: sdk.Int32(1), TreatMissingData: sdk.String("notBreaching"),
		Metrics: []types.MetricDataQuery{
			query("failed", "Invocation5XXErrors", "Sum"), query("requests", "Invocations", "Sum"),
			{Id: sdk.String("percent"), Expression: sdk.String("IF(requests >= 5, 100 * FILL(failed, 0) / requests, 0)")},
		},
	}))
	if got := stateOf(t, c, "errors"); got != types.StateValueOk {
		t.Errorf("without requests the alarm is %s", got)
	}
	measure(server, *now, "Invocations", 1, 1, 1, 1)
	measure(server, *now, "Invocation5XXErrors", 1, 1)
	if got := stateOf(t, c, "errors"); got != types.StateValueOk {
		t.Errorf("with four requests the alarm is %s", got)
	}
	measure(server, *now, "Invocations", 1)
	if got := stateOf(t, c, "errors"); got != types.StateValueAlarm {
		t.Errorf("with two failures of five the alarm is %s", got)
	}
	*now = now.Add(3 * time.Minute)
	if got := stateOf(t, c, "errors"); got != types.StateValueOk {
		t.Errorf("later the alarm is %s", got)
	}
	must[*cloudwatch.SetAlarmStateOutput](t)(c.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{AlarmName: sdk.String("errors"), StateValue: types.StateValueAlarm, StateReason: sdk.String("drill")}))
	if got := stateOf(t, c, "errors"); got != types.StateValueAlarm {
		t.Errorf("when set the alarm is %s", got)
	}
	*now = now.Add(2 * time.Minute)
	if got := stateOf(t, c, "errors"); got != types.StateValueOk {
		t.Errorf("after the next evaluation the alarm is %s", got)
	}
}

func TestAlarmOnPercentile(t *testing.T) {
	t.Parallel()
	server, c, now := openMetrics(t)
	put := func(missing string) {
		must[*cloudwatch.PutMetricAlarmOutput](t)(c.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
			AlarmName: sdk.String("p95"), Namespace: sdk.String("AWS/SageMaker"), MetricName: sdk.String("ModelLatency"), Dimensions: dimensions,
			ExtendedStatistic: sdk.String("p95"), Period: sdk.Int32(60), EvaluationPeriods: sdk.Int32(3), Threshold: sdk.Float64(250),
			ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, TreatMissingData: &missing,
		}))
	}
	put("missing")
	if got := stateOf(t, c, "p95"); got != types.StateValueInsufficientData {
		t.Errorf("without data the alarm is %s", got)
	}
	for i := range 3 {
		at := now.Add(time.Duration(i-2) * time.Minute)
		for n := range 100 {
			measure(server, at, "ModelLatency", float64(n*3)) // the 95th is 282
		}
	}
	if got := stateOf(t, c, "p95"); got != types.StateValueAlarm {
		t.Errorf("with slow answers the alarm is %s", got)
	}
	*now = now.Add(time.Hour)
	for missing, want := range map[string]types.StateValue{"breaching": types.StateValueAlarm, "notBreaching": types.StateValueOk, "missing": types.StateValueInsufficientData} {
		put(missing)
		if got := stateOf(t, c, "p95"); got != want {
			t.Errorf("an hour later, with missing data %s, the alarm is %s, want %s", missing, got, want)
		}
	}
}

func TestAlarmLife(t *testing.T) {
	t.Parallel()
	_, c, _ := openMetrics(t)
	for i := range 105 {
		must[*cloudwatch.PutMetricAlarmOutput](t)(c.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
			AlarmName: sdk.String(fmt.Sprintf("churn-%03d", i)), Namespace: sdk.String("n"), MetricName: sdk.String("m"), Statistic: types.StatisticMaximum, Period: sdk.Int32(60),
			EvaluationPeriods: sdk.Int32(1), Threshold: sdk.Float64(0.5), ComparisonOperator: types.ComparisonOperatorLessThanThreshold,
			AlarmActions: []string{"arn:aws:sns:us-east-1:123456789012:alerts"}, Tags: []types.Tag{{Key: sdk.String("a"), Value: sdk.String("1")}},
		}))
	}
	var all []types.MetricAlarm
	pages := cloudwatch.NewDescribeAlarmsPaginator(c, &cloudwatch.DescribeAlarmsInput{AlarmNamePrefix: sdk.String("churn-")})
	for pages.HasMorePages() {
		all = append(all, must[*cloudwatch.DescribeAlarmsOutput](t)(pages.NextPage(t.Context())).MetricAlarms...)
	}
	if len(all) != 105 || *all[104].AlarmName != "churn-104" || *all[0].Threshold != 0.5 || !*all[0].ActionsEnabled || all[0].AlarmActions[0] != "arn:aws:sns:us-east-1:123456789012:alerts" {
		t.Errorf("described %d, first %+v", len(all), all[0])
	}
	must[*cloudwatch.TagResourceOutput](t)(c.TagResource(t.Context(), &cloudwatch.TagResourceInput{ResourceARN: all[0].AlarmArn, Tags: []types.Tag{{Key: sdk.String("b"), Value: sdk.String("2")}}}))
	if tags := must[*cloudwatch.ListTagsForResourceOutput](t)(c.ListTagsForResource(t.Context(), &cloudwatch.ListTagsForResourceInput{ResourceARN: all[0].AlarmArn})).Tags; len(tags) != 2 {
		t.Errorf("tags are %+v", tags)
	}
	_, err := c.DeleteAlarms(t.Context(), &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"churn-000", "none"}})
	wantFault(t, err, "ResourceNotFound", "none")
	stateOf(t, c, "churn-000") // is still there
	must[*cloudwatch.DeleteAlarmsOutput](t)(c.DeleteAlarms(t.Context(), &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"churn-000"}}))
	if out := must[*cloudwatch.DescribeAlarmsOutput](t)(c.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{"churn-000"}})); len(out.MetricAlarms) != 0 {
		t.Errorf("a deleted alarm is there")
	}
}

func TestAlarmRefuses(t *testing.T) {
	t.Parallel()
	_, c, _ := openMetrics(t)
	cases := []struct {
		name, words string
		change      func(*cloudwatch.PutMetricAlarmInput)
	}{
		{"two statistics", "Exactly one", func(in *cloudwatch.PutMetricAlarmInput) { in.ExtendedStatistic = sdk.String("p95") }},
		{"a bad percentile", "ExtendedStatistic", func(in *cloudwatch.PutMetricAlarmInput) { in.Statistic, in.ExtendedStatistic = "", sdk.String("p101") }},
		{"a period", "Period", func(in *cloudwatch.PutMetricAlarmInput) { in.Period = sdk.Int32(90) }},
		{"more than a day", "more than a day", func(in *cloudwatch.PutMetricAlarmInput) {
			in.Period, in.EvaluationPeriods = sdk.Int32(1800), sdk.Int32(49)
		}},
		{"more than a week", "more than a day", func(in *cloudwatch.PutMetricAlarmInput) {
			in.Period, in.EvaluationPeriods = sdk.Int32(3600), sdk.Int32(169)
		}},
		{"more points than periods", "DatapointsToAlarm", func(in *cloudwatch.PutMetricAlarmInput) { in.DatapointsToAlarm = sdk.Int32(2) }},
		{"what to do without data", "TreatMissingData", func(in *cloudwatch.PutMetricAlarmInput) { in.TreatMissingData = sdk.String("panic") }},
		{"no threshold", "Threshold", func(in *cloudwatch.PutMetricAlarmInput) { in.Threshold = nil }},
		{"a metric and math", "mutually exclusive", func(in *cloudwatch.PutMetricAlarmInput) { in.Metrics = []types.MetricDataQuery{query("a", "m", "Sum")} }},
		{"an action", "Invalid arn", func(in *cloudwatch.PutMetricAlarmInput) { in.AlarmActions = []string{"alerts"} }},
		{"nothing returned", "should return data", func(in *cloudwatch.PutMetricAlarmInput) {
			*in = mathAlarm(query("a", "m", "Sum"))
		}},
		{"an unknown name", "'b' is not defined", func(in *cloudwatch.PutMetricAlarmInput) {
			*in = mathAlarm(query("a", "m", "Sum"), types.MetricDataQuery{Id: sdk.String("x"), Expression: sdk.String("a + b")})
		}},
		{"an expression that is none", "Error in expression", func(in *cloudwatch.PutMetricAlarmInput) {
			*in = mathAlarm(query("a", "m", "Sum"), types.MetricDataQuery{Id: sdk.String("x"), Expression: sdk.String("a +")})
		}},
		{"one name twice", "not unique", func(in *cloudwatch.PutMetricAlarmInput) {
			*in = mathAlarm(query("a", "m", "Sum"), types.MetricDataQuery{Id: sdk.String("a"), Expression: sdk.String("1 * a")})
		}},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := cloudwatch.PutMetricAlarmInput{
				AlarmName: sdk.String("x"), Namespace: sdk.String("n"), MetricName: sdk.String("m"), Statistic: types.StatisticSum, Period: sdk.Int32(60),
				EvaluationPeriods: sdk.Int32(1), Threshold: sdk.Float64(1), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold,
			}
			tt.change(&in)
			_, err := c.PutMetricAlarm(t.Context(), &in)
			wantFault(t, err, "ValidationError", tt.words)
		})
	}
}

// mathAlarm is an alarm on metrics and expressions.
func mathAlarm(metrics ...types.MetricDataQuery) cloudwatch.PutMetricAlarmInput {
	return cloudwatch.PutMetricAlarmInput{
		AlarmName: sdk.String("x"), EvaluationPeriods: sdk.Int32(1), Threshold: sdk.Float64(1), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, Metrics: metrics,
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	_, c, now := openMetrics(t)
	for i, values := range [][]float64{{1, 2, 3}, nil, {10}} {
		at := now.Add(time.Duration(i) * time.Minute)
		if values == nil {
			continue
		}
		must[*cloudwatch.PutMetricDataOutput](t)(c.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: sdk.String("churn"), MetricData: []types.MetricDatum{
			{MetricName: sdk.String("size"), Timestamp: &at, Values: values, Unit: types.StandardUnitCount},
		}}))
	}
	from, to := now.Truncate(time.Minute), now.Truncate(time.Minute).Add(3*time.Minute)
	stats := must[*cloudwatch.GetMetricStatisticsOutput](t)(c.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
		Namespace: sdk.String("churn"), MetricName: sdk.String("size"), StartTime: &from, EndTime: &to, Period: sdk.Int32(60),
		Statistics: []types.Statistic{types.StatisticAverage, types.StatisticSampleCount}, ExtendedStatistics: nil,
	}))
	if len(stats.Datapoints) != 2 || *stats.Datapoints[0].Average != 2 || *stats.Datapoints[0].SampleCount != 3 || *stats.Datapoints[1].Average != 10 {
		t.Errorf("got %+v", stats.Datapoints)
	}
	size := func(id, stat string) types.MetricDataQuery {
		return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{Metric: &types.Metric{Namespace: sdk.String("churn"), MetricName: sdk.String("size")}, Period: sdk.Int32(60), Stat: &stat}}
	}
	math := func(id, expression string) types.MetricDataQuery {
		return types.MetricDataQuery{Id: &id, Expression: &expression}
	}
	data := must[*cloudwatch.GetMetricDataOutput](t)(c.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
		StartTime: &from, EndTime: &to, ScanBy: types.ScanByTimestampAscending, MetricDataQueries: []types.MetricDataQuery{
			size("total", "Sum"), size("most", "Maximum"), size("median", "p50"),
			math("filled", "FILL(total, 0)"), math("share", "100 * most / total"), math("double", "filled + filled"), math("together", "SUM([total, most])"), math("none", "total / 0"),
		},
	}))
	got := map[string][]float64{}
	for _, r := range data.MetricDataResults {
		got[*r.Id] = r.Values
	}
	want := map[string][]float64{
		"total": {6, 10}, "most": {3, 10}, "median": {2, 10}, "filled": {6, 0, 10}, "share": {50, 100}, "double": {12, 0, 20}, "together": {9, 20}, "none": {},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, err := c.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: sdk.String("AWS/SageMaker"), MetricData: []types.MetricDatum{{MetricName: sdk.String("m"), Value: sdk.Float64(1)}}})
	wantFault(t, err, "InvalidParameterValue", "AWS/")
}
