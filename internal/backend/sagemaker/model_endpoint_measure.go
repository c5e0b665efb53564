package sagemaker

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// endpointFigure is one thing that CloudWatch knows of a variant.
type endpointFigure struct {
	metric, stat string
	put          func(*mlops.Figures, float64)
}

// endpointFigures lists what is asked for of each variant. Times are the model's, in
// microseconds.
func endpointFigures() []endpointFigure {
	took := func(v float64) mlops.Duration { return mlops.Duration(v * float64(time.Microsecond)) }
	return []endpointFigure{
		{"Invocations", "Sum", func(f *mlops.Figures, v float64) { f.Requests = int64(v) }},
		{"Invocation5XXErrors", "Sum", func(f *mlops.Figures, v float64) { f.Errors = int64(v) }},
		{"ModelLatency", "p50", func(f *mlops.Figures, v float64) { f.P50 = took(v) }},
		{"ModelLatency", "p95", func(f *mlops.Figures, v float64) { f.P95 = took(v) }},
		{"ModelLatency", "p99", func(f *mlops.Figures, v float64) { f.P99 = took(v) }},
	}
}

// Measure asks CloudWatch for the figures of each variant; see mlops.Measurer. It
// counts in whole minutes.
func (k modelEndpointKind) Measure(ctx context.Context, ref mlops.ID, since time.Time) (map[string]mlops.Figures, error) {
	s, err := k.scene(ctx, ref)
	if err != nil {
		return nil, err
	}
	state, err := k.look(ctx, s)
	if err != nil {
		return nil, err
	}
	var variants []string
	if form := state.inForce(); form != nil {
		variants = slices.Sorted(maps.Keys(form.Spec.Variants))
	}
	out := map[string]mlops.Figures{}
	for _, variant := range variants {
		if out[variant], err = measureVariant(ctx, s, variant, since); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// measureVariant takes the whole span as one period, a day at most, for percentiles
// cannot be added up.
func measureVariant(ctx context.Context, s scene, variant string, since time.Time) (mlops.Figures, error) {
	to := time.Now().Truncate(time.Minute).Add(time.Minute)
	from := since.Truncate(time.Minute)
	if oldest := to.Add(-longestPeriod); from.Before(oldest) {
		from = oldest
	}
	period := int32(to.Sub(from).Seconds())
	m := endpointMetrics{endpoint: s.name, variant: variant}
	figures := endpointFigures()
	in := &cloudwatch.GetMetricDataInput{StartTime: &from, EndTime: &to}
	for i, f := range figures {
		in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{
			Id: aws.String("f" + strconv.Itoa(i)),
			MetricStat: &types.MetricStat{
				Metric: &types.Metric{Namespace: aws.String(namespace), MetricName: aws.String(f.metric), Dimensions: m.dimensions()},
				Period: &period, Stat: aws.String(f.stat),
			},
		})
	}
	var out mlops.Figures
	answer, err := s.c.cloudwatch.GetMetricData(ctx, in)
	if err != nil {
		return out, err
	}
	for _, r := range answer.MetricDataResults {
		i, err := strconv.Atoi(aws.ToString(r.Id)[1:])
		if err == nil && i < len(figures) && len(r.Values) > 0 {
			figures[i].put(&out, r.Values[0])
		}
	}
	return out, nil
}
