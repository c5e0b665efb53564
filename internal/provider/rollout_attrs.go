package provider

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func rolloutAttribute(g guide) schema.SingleNestedAttribute {
	return object("How a change reaches traffic. Without it, all at once.", attributes{
		"strategy": requiredText(g.choices("model_endpoint.rollout.strategy", mlops.Strategies(),
			"`all_at_once` moves all traffic when every new variant is ready; `canary` moves it by `steps` and `linear` by equal `increment`s, each observed for `bake`; "+
				"`blue_green` moves all of it, observes, and moves it back if a gate breaks; `shadow` observes copies of requests before any answer is used.")),
		"steps": schema.ListAttribute{
			MarkdownDescription: "`canary`: percent of the traffic on the new versions, rising, each below 100. Default: `[10, 50]`. `shadow`: one, the percent of requests that is copied. Default: `[100]`.",
			Optional:            true,
			ElementType:         types.Int64Type,
			Validators:          append(noNullElements(), listvalidator.SizeAtLeast(1)),
		},
		"increment": atLeastOne("`linear`: percent of the traffic that each step adds. Default: 20."),
		"bake":      duration("How long each step is observed. Default: 1m."),
		"gates":     gatesAttribute(g),
		"keep_previous": durationOrNone(g.doc(mlops.FeatureEndpointKeepPrevious,
			"How long the servers of what was replaced stay warm, so that going back takes seconds. `\"0s\"` ends them at once. Default: 10m on `local`, where the apply is over meanwhile; elsewhere none, since an apply takes that much longer.")),
	})
}

func gatesAttribute(g guide) schema.SingleNestedAttribute {
	return object(g.doc(mlops.FeatureEndpointGates, "What the new versions must keep to in each step. When a gate breaks, the traffic goes back, and the apply fails with what was measured."), attributes{
		"max_error_percent": optionalNumber("Most requests that may fail, in percent."),
		"max_p50":           duration("Longest median of the time that answers take."),
		"max_p95":           duration("Longest 95th percentile."),
		"max_p99":           duration("Longest 99th percentile."),
		"min_requests":      withDefault("How many requests the new versions must have answered before a step is judged. Default: 0, which also passes a step without any.", 0),
		"wait":              duration("How long beyond the bake a step waits for `min_requests`; then it fails. Default: 10m."),
		"smoke_test":        disabled("Whether the endpoint's `smoke_test` is repeated at the end of each step. Default: `false`."),
	})
}

// durationOrNone is a duration that may also be nothing.
func durationOrNone(doc string) schema.StringAttribute {
	a := duration(doc)
	a.Validators = nil
	return a
}

type rolloutModel struct {
	Strategy     *string     `tfsdk:"strategy"`
	Steps        []int64     `tfsdk:"steps"`
	Increment    *int64      `tfsdk:"increment"`
	Bake         *string     `tfsdk:"bake"`
	Gates        *gatesModel `tfsdk:"gates"`
	KeepPrevious *string     `tfsdk:"keep_previous"`
}

type gatesModel struct {
	MaxErrorPercent *float64 `tfsdk:"max_error_percent"`
	MaxP50          *string  `tfsdk:"max_p50"`
	MaxP95          *string  `tfsdk:"max_p95"`
	MaxP99          *string  `tfsdk:"max_p99"`
	MinRequests     *int64   `tfsdk:"min_requests"`
	Wait            *string  `tfsdk:"wait"`
	SmokeTest       *bool    `tfsdk:"smoke_test"`
}

func (m *rolloutModel) spec() *mlops.Rollout {
	if m == nil {
		return nil
	}
	r := &mlops.Rollout{
		Strategy: valueOf(m.Strategy), Steps: m.Steps, Increment: valueOf(m.Increment),
		Bake: durationOf(m.Bake), Gates: m.Gates.spec(),
	}
	if m.KeepPrevious != nil {
		keep := durationOf(m.KeepPrevious)
		r.KeepPrevious = &keep
	}
	return r
}

func (m *gatesModel) spec() *mlops.Gates {
	if m == nil {
		return nil
	}
	return &mlops.Gates{
		MaxErrorPercent: m.MaxErrorPercent, MaxP50: durationOf(m.MaxP50), MaxP95: durationOf(m.MaxP95), MaxP99: durationOf(m.MaxP99),
		MinRequests: valueOf(m.MinRequests), Wait: durationOf(m.Wait), SmokeTest: valueOf(m.SmokeTest),
	}
}

func rolloutOf(r *mlops.Rollout) *rolloutModel {
	if r == nil {
		return nil
	}
	m := &rolloutModel{
		Strategy: nullable(r.Strategy), Steps: r.Steps, Increment: nullable(r.Increment),
		Bake: nullableDuration(r.Bake), Gates: gatesOf(r.Gates),
	}
	if r.KeepPrevious != nil {
		m.KeepPrevious = new(valueOr(nullableDuration(*r.KeepPrevious), time.Duration(0).String()))
	}
	return m
}

func gatesOf(g *mlops.Gates) *gatesModel {
	if g == nil {
		return nil
	}
	return &gatesModel{
		MaxErrorPercent: g.MaxErrorPercent, MaxP50: nullableDuration(g.MaxP50), MaxP95: nullableDuration(g.MaxP95), MaxP99: nullableDuration(g.MaxP99),
		MinRequests: &g.MinRequests, Wait: nullableDuration(g.Wait), SmokeTest: &g.SmokeTest,
	}
}
