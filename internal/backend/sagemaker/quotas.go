package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// What the names of SageMaker's quotas say beside a machine type, and the quotas of
// all types together.
const (
	quotaEndpoint   = " for endpoint usage"
	quotaProcessing = " for processing job usage"
	quotaSpot       = " for spot training job usage"

	quotaEndpoints      = "Number of instances across active endpoints"
	quotaProcessingJobs = "Number of instances across all processing jobs"
	quotaTrainingJobs   = "Number of instances across all training jobs"
)

// quotaAttempts is how often a page of quotas is asked for: a plan can do without.
const quotaAttempts = 2

// quota is how many of something an account may have at once in a region.
type quota struct {
	code       string
	value      float64
	adjustable bool
	usage      *types.MetricInfo // what counts it; nil where AWS does not
}

// accountQuotas are an account's quotas by region, listed once in the process's life:
// there are more than a thousand, and they change by the day. Its zero value is ready.
type accountQuotas struct {
	turns verbs.Turns // by region
	mu    sync.Mutex
	seen  map[string]quotasSeen
	used  map[string]*useSeen
}

// quotasSeen is a list of quotas by name, or why there is none.
type quotasSeen struct {
	all map[string]quota
	err error
}

// in lists the quotas of a region. Who may not list them, or is throttled, is not
// asked again.
func (q *accountQuotas) in(ctx context.Context, c *clients) (map[string]quota, error) {
	unlock, err := q.turns.Take(ctx, c.region)
	if err != nil {
		return nil, err
	}
	defer unlock()
	q.mu.Lock()
	seen, known := q.seen[c.region]
	q.mu.Unlock()
	if known {
		return seen.all, seen.err
	}
	seen.all, seen.err = c.listQuotas(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.seen == nil {
		q.seen = map[string]quotasSeen{}
	}
	q.seen[c.region] = seen
	return seen.all, seen.err
}

// listQuotas lists SageMaker's quotas by name.
func (c *clients) listQuotas(ctx context.Context) (map[string]quota, error) {
	pages := servicequotas.NewListServiceQuotasPaginator(c.quotas, &servicequotas.ListServiceQuotasInput{
		ServiceCode: aws.String("sagemaker"), MaxResults: aws.Int32(100),
	})
	all := map[string]quota{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, func(o *servicequotas.Options) { o.RetryMaxAttempts = quotaAttempts })
		if err != nil {
			return nil, err
		}
		for _, q := range page.Quotas {
			if q.Value != nil {
				all[aws.ToString(q.QuotaName)] = quota{code: aws.ToString(q.QuotaCode), value: *q.Value, adjustable: q.Adjustable, usage: q.UsageMetric}
			}
		}
	}
	return all, nil
}

// quotaAsk is how many instances a plan asks for at once of what a quota counts.
type quotaAsk struct {
	name  string // of the quota
	least int64  // without which it fails
	most  int64  // which an autoscaler may ask for
	at    mlops.Path
	above mlops.Path // attribute of the most
	// standing says that it is asked for as soon as the plan is applied, and for good, so
	// that what is in use now counts. What a job of the night asks for has to be free then.
	standing bool
}

// Forewarn tells of quotas; see mlops.Forewarner.
func (k modelEndpointKind) Forewarn(ctx context.Context, spec mlops.ModelEndpointSpec, c *mlops.Checker) error {
	return k.checkQuotas(ctx, c, spec.Environment, endpointQuotas(spec), func(ctx context.Context) (instancesUsed, error) {
		return k.instancesOf(ctx, spec.ID())
	})
}

// Forewarn tells of quotas, and of images that are not there; see mlops.Forewarner.
func (k pipelineKind) Forewarn(ctx context.Context, spec mlops.PipelineSpec, c *mlops.Checker) error {
	return errors.Join(k.checkQuotas(ctx, c, spec.Environment, pipelineQuotas(spec), nil), k.checkStepImages(ctx, c, spec))
}

// checkQuotas warns of what an account may not have, what others have in use included
// where that is known: where it is not, enough here may be too little still. Held says
// what the object has itself by now; it is nil where no ask is standing.
func (b *backend) checkQuotas(ctx context.Context, c *mlops.Checker, environment mlops.ID, asks []quotaAsk, held func(context.Context) (instancesUsed, error)) error {
	if len(asks) == 0 {
		return nil
	}
	region, err := b.in(ctx, environment)
	if err != nil {
		return err
	}
	all, err := b.quotas.in(ctx, region)
	if err != nil {
		return err
	}
	others, err := b.crowding(ctx, region, all, asks, held)
	for _, ask := range asks {
		if q, known := all[ask.name]; known {
			q.check(c, region.region, ask, int64(others[ask.name]))
		}
	}
	return err
}

// check warns where a quota is too small for what is asked for beside what others have
// in use. The summary names it, since Terraform shows one of several warnings of the same
// summary.
func (q quota) check(c *mlops.Checker, region string, ask quotaAsk, others int64) {
	more := "AWS does not raise this one: ask for another machine type, or fewer."
	switch {
	case q.value >= float64(ask.most+others):
		return
	case q.adjustable:
		// Indented, so that Terraform does not break the line.
		more = "Ask AWS for more, which may take days, or ask for another machine type:\n\n" +
			"  aws service-quotas request-service-quota-increase --service-code sagemaker --region " + region +
			" --quota-code " + q.code + " --desired-value %[5]d"
	}
	is := "The quota %[1]q (%[2]s) of this account is %[3]g in " + region + ", "
	if others > 0 {
		is += fmt.Sprintf("%d are in use by others, ", others)
	}
	if q.value < float64(ask.least+others) {
		c.Warn(ask.at, "Not enough quota: "+ask.name, is+"and %[4]d at once are asked for: SageMaker will refuse it. "+more,
			ask.name, q.code, q.value, ask.least, ask.least+others)
		return
	}
	c.Warn(ask.above, "Not enough quota to scale: "+ask.name, is+"and up to %[4]d are asked for: the autoscaler will not get there. "+more,
		ask.name, q.code, q.value, ask.most, ask.most+others)
}

// endpointQuotas is what an endpoint asks for at once: the machines of its variants,
// by type and all together.
func endpointQuotas(spec mlops.ModelEndpointSpec) []quotaAsk {
	asks := map[string]quotaAsk{}
	for _, name := range slices.Sorted(maps.Keys(spec.Variants)) {
		v, at := spec.Variants[name], mlops.At("variants", mlops.Key(name))
		machine, err := resolveType(mlops.UseHosting, v.Compute)
		if err != nil || isServerless(v) {
			continue
		}
		least, most, _ := v.Scaling.Bounds()
		for _, quotaName := range []string{machine + quotaEndpoint, quotaEndpoints} {
			ask, more := asks[quotaName]
			if !more {
				ask = quotaAsk{name: quotaName, at: at.With("compute"), above: at.With("scaling", "max"), standing: true}
			}
			ask.least, ask.most = ask.least+least, ask.most+most
			asks[quotaName] = ask
		}
	}
	return quotaAsksOf(asks)
}

func quotaAsksOf(asks map[string]quotaAsk) []quotaAsk {
	var out []quotaAsk
	for _, name := range slices.Sorted(maps.Keys(asks)) {
		out = append(out, asks[name])
	}
	return out
}

// pipelineQuotas is what a run asks for at once: the machines of steps that are as far
// from the beginning as each other, and so need not wait for one another.
func pipelineQuotas(spec mlops.PipelineSpec) []quotaAsk {
	graph, err := spec.Graph()
	if err != nil {
		return nil // refused elsewhere
	}
	depth, steps := map[string]int{}, map[string]map[int]int64{} // of a quota, by depth
	asks := map[string]quotaAsk{}
	for _, name := range graph.Order() {
		for _, need := range graph.Needs(name) {
			depth[name] = max(depth[name], depth[need]+1)
		}
		machine, err := resolveType(useOf(spec.Steps[name]), spec.Steps[name].Compute)
		if err != nil {
			continue
		}
		for _, quotaName := range stepQuotas(spec.Steps[name], machine) {
			if steps[quotaName] == nil {
				steps[quotaName] = map[int]int64{}
			}
			steps[quotaName][depth[name]]++
			at := mlops.At("steps", mlops.Key(name), "compute")
			if n := stepsAtOnce(spec, steps[quotaName][depth[name]]); n > asks[quotaName].most {
				asks[quotaName] = quotaAsk{name: quotaName, least: n, most: n, at: at, above: at}
			}
		}
	}
	return quotaAsksOf(asks)
}

// stepQuotas names the quotas that a step's machine counts for.
func stepQuotas(s mlops.Step, machine string) []string {
	if s.OnSpot() {
		return []string{machine + quotaSpot, quotaTrainingJobs}
	}
	return []string{machine + quotaProcessing, quotaProcessingJobs}
}

// stepsAtOnce bounds a number of steps by the pipeline's own limit.
func stepsAtOnce(spec mlops.PipelineSpec, steps int64) int64 {
	if spec.Parallelism > 0 {
		return min(steps, spec.Parallelism)
	}
	return steps
}
