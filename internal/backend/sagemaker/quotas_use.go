package sagemaker

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	quotatypes "github.com/aws/aws-sdk-go-v2/service/servicequotas/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// How AWS counts what a quota is about: once a minute, and a little late.
const (
	usePeriod = time.Minute
	useWindow = 15 * time.Minute
	useMost   = 500 // metrics in one question
)

// instancesUsed is how many instances something has in use, by the quota's name.
type instancesUsed map[string]float64

// useSeen is what was in use, or why that is not known.
type useSeen struct {
	asked map[string]bool
	used  instancesUsed
	err   error
}

// use is what an account has in use in a region of what quotas count, where AWS counts
// it. Each is asked for once in the process's life, all of a plan's together: a plan is
// as old as its beginning. Who may not ask is not asked again.
func (q *accountQuotas) use(ctx context.Context, c *clients, of map[string]quota) (instancesUsed, error) {
	unlock, err := q.turns.Take(ctx, c.region)
	if err != nil {
		return nil, err
	}
	defer unlock()
	seen := q.used[c.region]
	if seen == nil {
		seen = &useSeen{asked: map[string]bool{}, used: instancesUsed{}}
	}
	fresh := maps.Clone(of)
	maps.DeleteFunc(fresh, func(name string, one quota) bool { return seen.asked[name] || one.usage == nil })
	if len(fresh) == 0 || seen.err != nil {
		return maps.Clone(seen.used), seen.err
	}
	found, err := c.countUse(ctx, fresh)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	maps.Copy(seen.used, found)
	for name := range fresh {
		seen.asked[name] = true
	}
	seen.err = err
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.used == nil {
		q.used = map[string]*useSeen{}
	}
	q.used[c.region] = seen
	return maps.Clone(seen.used), seen.err
}

// countUse asks CloudWatch what is in use, by the metrics that the quotas name.
func (c *clients) countUse(ctx context.Context, of map[string]quota) (instancesUsed, error) {
	names := slices.Sorted(maps.Keys(of))
	names = names[:min(len(names), useMost)]
	to := time.Now()
	in := &cloudwatch.GetMetricDataInput{StartTime: aws.Time(to.Add(-useWindow)), EndTime: &to, ScanBy: types.ScanByTimestampDescending}
	for i, name := range names {
		in.MetricDataQueries = append(in.MetricDataQueries, useQuery("u"+strconv.Itoa(i), of[name].usage))
	}
	out, err := c.cloudwatch.GetMetricData(ctx, in, func(o *cloudwatch.Options) { o.RetryMaxAttempts = quotaAttempts })
	if err != nil {
		return nil, err
	}
	used := instancesUsed{}
	for _, r := range out.MetricDataResults {
		i, err := strconv.Atoi(aws.ToString(r.Id)[1:])
		if err == nil && i < len(names) && len(r.Values) > 0 {
			used[names[i]] = r.Values[0]
		}
	}
	return used, nil
}

// useQuery asks for a quota's metric by the statistic that AWS recommends.
func useQuery(id string, m *quotatypes.MetricInfo) types.MetricDataQuery {
	stat := aws.ToString(m.MetricStatisticRecommendation)
	if stat == "" {
		stat = string(types.StatisticMaximum)
	}
	metric := &types.Metric{Namespace: m.MetricNamespace, MetricName: m.MetricName}
	for _, name := range slices.Sorted(maps.Keys(m.MetricDimensions)) {
		metric.Dimensions = append(metric.Dimensions, types.Dimension{Name: aws.String(name), Value: aws.String(m.MetricDimensions[name])})
	}
	return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{Metric: metric, Period: aws.Int32(int32(usePeriod.Seconds())), Stat: &stat}}
}

// crowding is what others in the account have in use of what standing asks are for. What
// the object itself has counts for its ask, and is looked for where that matters alone.
func (b *backend) crowding(ctx context.Context, c *clients, all map[string]quota, asks []quotaAsk, held func(context.Context) (instancesUsed, error)) (instancesUsed, error) {
	of := map[string]quota{}
	for _, ask := range asks {
		if q, known := all[ask.name]; known && ask.standing {
			of[ask.name] = q
		}
	}
	used, err := b.quotas.use(ctx, c, of)
	if err != nil {
		return nil, err
	}
	tight := slices.ContainsFunc(asks, func(ask quotaAsk) bool {
		return used[ask.name] > 0 && used[ask.name]+float64(ask.most) > all[ask.name].value
	})
	if !tight {
		return instancesUsed{}, nil
	}
	own, err := held(ctx)
	if err != nil {
		return nil, err
	}
	for name, n := range own {
		used[name] = max(used[name]-n, 0)
	}
	return used, nil
}

// instancesOf are the instances that an endpoint has by now.
func (k modelEndpointKind) instancesOf(ctx context.Context, id mlops.ID) (instancesUsed, error) {
	s, err := k.scene(ctx, id)
	if err != nil {
		return nil, k.unlessNotFound(err) // of an environment that is planned too
	}
	state, err := k.look(ctx, s)
	if err != nil {
		if errors.Is(err, errNoRecord) {
			return instancesUsed{}, nil // somebody else's
		}
		return nil, k.unlessNotFound(err)
	}
	form := state.force()
	if form == nil {
		form = &state.asked
	}
	own := instancesUsed{}
	for _, v := range state.variants {
		if machine := form.Types[aws.ToString(v.VariantName)]; machine != "" {
			n := float64(aws.ToInt32(v.CurrentInstanceCount))
			own[machine+quotaEndpoint] += n
			own[quotaEndpoints] += n
		}
	}
	return own, nil
}
