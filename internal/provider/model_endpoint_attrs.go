package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Values where the configuration is silent.
const (
	defaultSample = 100 // percent
	defaultStatus = 200
)

func modelEndpointAttributes(g guide) attributes {
	return attributes{
		"environment": requiredText("ID of the environment. Changing it replaces the endpoint."),
		"name":        requiredText("The endpoint's name. Changing it replaces the endpoint."),
		"description": description(),
		"labels":      labels(),
		"variants":    requiredObjectMap("What serves, by name. The traffic of all variants sums to 100.", variantAttributes(g)),
		"rollout":     rolloutAttribute(g),
		"capture": object(g.doc(mlops.FeatureEndpointCapture, "Keeps requests and responses."), attributes{
			"sample_percent": withDefault("Share of requests that is kept, in percent.", defaultSample),
		}),
		"smoke_test": object(g.doc(mlops.FeatureEndpointSmokeTest, "A request that a new version must answer before it gets traffic."), attributes{
			"request":       requiredJSON("Body of the request, as JSON; write it with `jsonencode`."),
			"expect_status": withDefault("HTTP status that the answer must have.", defaultStatus),
			"timeout":       duration("How long the answer may take. Default: 30s."),
		}),
		"request_timeout": duration("How long one request may take. Default: 60s."),
		"schedule": object(g.doc(mlops.FeatureEndpointSchedule, "When the endpoint serves: from each time of `up` to the next of `down`. While it is down it has no servers, and answers 503 with the time at which it serves again."), attributes{
			"up":       requiredText("When it starts to serve. Five fields: minute, hour, day of month, month, day of week."),
			"down":     requiredText("When it stops. Five fields, as `up`."),
			"timezone": optionalText("IANA name of the time zone that the fields are meant in, such as `Australia/Sydney`. Without it, UTC."),
		}),
		"access": optionalText("Who may send requests: `open` is whoever reaches the endpoint, `token` is bearers of its token, which ephemeral `mlops_endpoint_credentials` gives out. Default: `open`. " +
			g.available("`token` is available", mlops.FeatureEndpointToken)),
		"overrides":           optionalJSON(g.doc(mlops.FeatureEndpointOverrides, "What only the platform has, merged into its own requests: a JSON object, by request; write it with `jsonencode`. Null removes a member. It does not carry over to other platforms.")),
		"deletion_protection": disabled(g.doc(mlops.FeatureEndpointProtect, "Whether deleting the endpoint is refused. To delete it, set this to `false` and apply that first. Default: `false`.")),
		"url":                 computedText("Where the endpoint answers. It stays the same for the endpoint's life."),
		"serving": computedObjectMap("What really answers, by variant.", attributes{
			"version": computedText("ID of the model version."),
			"digest":  computedText("Digest of its bytes."),
			"traffic": schema.Int64Attribute{MarkdownDescription: "Share of the traffic, in percent.", Computed: true},
		}),
		"resolved": computedTextMap("What each variant's `compute` was resolved to, by variant, on platforms that have machine types: one of them, or the size of a serverless variant. Known at plan."),
		"monthly_usd": schema.Float64Attribute{
			MarkdownDescription: "About what the machines of the least number of replicas cost in a month of 730 hours, in US dollars: nothing for variants that may have none, which cost by request; null where the price is not known. Known at plan. " + g.prices(),
			Computed:            true,
		},
	}
}

func variantAttributes(g guide) attributes {
	return attributes{
		"version": requiredText("ID of the model version."),
		"traffic": schema.Int64Attribute{
			MarkdownDescription: g.doc(mlops.FeatureEndpointSplit, "Share of the traffic, in percent. Any other than 100 is a split."),
			Required:            true,
		},
		"compute": computeAttribute(g, "What each replica needs.", computeFeatures{accelerator: mlops.FeatureEndpointGPU, native: mlops.FeatureEndpointNative, disk: mlops.FeatureEndpointDisk}),
		"scaling": object(g.doc(mlops.FeatureEndpointScaling, "Bounds of the number of replicas. Within them the autoscaler decides. Without it, one replica."), attributes{
			"min": schema.Int64Attribute{
				MarkdownDescription: g.doc(mlops.FeatureEndpointScaleToZero, "Least replicas. Default: 1. With 0 an idle variant sleeps, and the first request wakes it.") + " Only 0 needs that.",
				Optional:            true,
			},
			"max": schema.Int64Attribute{MarkdownDescription: "Most replicas. Default: the larger of 1 and `min`.", Optional: true},
			"target": object("What the autoscaler aims at.", attributes{
				"concurrency": schema.Int64Attribute{MarkdownDescription: "Requests in flight that one replica should have. Without a target, 8.", Required: true},
			}),
			"idle_after": duration("With `min` 0: how long without a request until the variant sleeps. Default: 5m."),
		}),
		"env":             textMap("Environment variables of the server. " + notForSecrets),
		"startup_timeout": duration("How long a replica may take from its start until it is ready. Default: 5m."),
	}
}

func withDefault(doc string, value int64) schema.Int64Attribute {
	return schema.Int64Attribute{MarkdownDescription: doc, Optional: true, Computed: true, Default: int64default.StaticInt64(value)}
}

type modelEndpointModel struct {
	common

	Environment    *string                 `tfsdk:"environment"`
	Name           *string                 `tfsdk:"name"`
	Description    *string                 `tfsdk:"description"`
	Labels         map[string]string       `tfsdk:"labels"`
	Variants       map[string]variantModel `tfsdk:"variants"`
	Rollout        *rolloutModel           `tfsdk:"rollout"`
	Capture        *captureModel           `tfsdk:"capture"`
	SmokeTest      *smokeTestModel         `tfsdk:"smoke_test"`
	RequestTimeout *string                 `tfsdk:"request_timeout"`
	Schedule       *upTimeModel            `tfsdk:"schedule"`
	Access         *string                 `tfsdk:"access"`
	Overrides      *string                 `tfsdk:"overrides"`
	Protection     *bool                   `tfsdk:"deletion_protection"`
	URL            *string                 `tfsdk:"url"`
	Serving        map[string]servingModel `tfsdk:"serving"`
	Resolved       map[string]string       `tfsdk:"resolved"`
	MonthlyUSD     *float64                `tfsdk:"monthly_usd"`
}

type variantModel struct {
	Version        *string           `tfsdk:"version"`
	Traffic        *int64            `tfsdk:"traffic"`
	Compute        *computeModel     `tfsdk:"compute"`
	Scaling        *scalingModel     `tfsdk:"scaling"`
	Env            map[string]string `tfsdk:"env"`
	StartupTimeout *string           `tfsdk:"startup_timeout"`
}

type scalingModel struct {
	Min       *int64              `tfsdk:"min"`
	Max       *int64              `tfsdk:"max"`
	Target    *scalingTargetModel `tfsdk:"target"`
	IdleAfter *string             `tfsdk:"idle_after"`
}

type scalingTargetModel struct {
	Concurrency *int64 `tfsdk:"concurrency"`
}

type captureModel struct {
	SamplePercent *int64 `tfsdk:"sample_percent"`
}

type upTimeModel struct {
	Up       *string `tfsdk:"up"`
	Down     *string `tfsdk:"down"`
	Timezone *string `tfsdk:"timezone"`
}

func (m *upTimeModel) spec() *mlops.UpTime {
	if m == nil {
		return nil
	}
	return &mlops.UpTime{Up: valueOf(m.Up), Down: valueOf(m.Down), Timezone: valueOf(m.Timezone)}
}

func upTimeOf(u *mlops.UpTime) *upTimeModel {
	if u == nil {
		return nil
	}
	return &upTimeModel{Up: nullable(u.Up), Down: nullable(u.Down), Timezone: nullable(u.Timezone)}
}

type smokeTestModel struct {
	Request      *string `tfsdk:"request"`
	ExpectStatus *int64  `tfsdk:"expect_status"`
	Timeout      *string `tfsdk:"timeout"`
}

type servingModel struct {
	Version *string `tfsdk:"version"`
	Digest  *string `tfsdk:"digest"`
	Traffic *int64  `tfsdk:"traffic"`
}

func (m modelEndpointModel) spec() mlops.ModelEndpointSpec {
	return mlops.ModelEndpointSpec{
		Environment: idOf(m.Environment),
		Name:        valueOf(m.Name),
		Description: valueOf(m.Description),
		Labels:      m.Labels,
		Variants:    each(m.Variants, variantModel.spec),
		Rollout:     m.Rollout.spec(),
		Capture:     m.Capture.spec(),
		SmokeTest:   m.SmokeTest.spec(),
		Timeout:     durationOf(m.RequestTimeout),
		Schedule:    m.Schedule.spec(),
		Access:      valueOf(m.Access),
		Overrides:   valueOf(m.Overrides),

		DeletionProtection: valueOf(m.Protection),
	}
}

func (m variantModel) spec() mlops.Variant {
	return mlops.Variant{
		Version: idOf(m.Version),
		Traffic: valueOf(m.Traffic),
		Compute: m.Compute.spec(),
		Scaling: m.Scaling.spec(),
		Env:     m.Env,
		Startup: durationOf(m.StartupTimeout),
	}
}

func (m *scalingModel) spec() *mlops.Scaling {
	if m == nil {
		return nil
	}
	s := &mlops.Scaling{Min: m.Min, Max: m.Max, IdleAfter: durationOf(m.IdleAfter)}
	if m.Target != nil {
		s.Concurrency = m.Target.Concurrency
	}
	return s
}

func (m *captureModel) spec() *mlops.Capture {
	if m == nil {
		return nil
	}
	return &mlops.Capture{SamplePercent: valueOr(m.SamplePercent, defaultSample)}
}

func (m *smokeTestModel) spec() *mlops.SmokeTest {
	if m == nil {
		return nil
	}
	return &mlops.SmokeTest{Request: valueOf(m.Request), Status: valueOr(m.ExpectStatus, defaultStatus), Timeout: durationOf(m.Timeout)}
}

func modelEndpointOf(seen mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]) modelEndpointModel {
	s := seen.Spec
	return modelEndpointModel{
		Environment:    nullableID(s.Environment),
		Name:           nullable(s.Name),
		Description:    nullable(s.Description),
		Labels:         s.Labels,
		Variants:       each(s.Variants, variantOf),
		Rollout:        rolloutOf(s.Rollout),
		Capture:        captureOf(s.Capture),
		SmokeTest:      smokeTestOf(s.SmokeTest),
		RequestTimeout: nullableDuration(s.Timeout),
		Schedule:       upTimeOf(s.Schedule),
		Access:         nullable(s.Access),
		Overrides:      nullable(s.Overrides),
		Protection:     &s.DeletionProtection,
		URL:            nullable(seen.Status.URL),
		Serving:        each(seen.Status.Serving, servingOf),
		Resolved:       seen.Status.Resolved,
		MonthlyUSD:     seen.Status.MonthlyUSD,
	}
}

func variantOf(v mlops.Variant) variantModel {
	return variantModel{
		Version:        nullableID(v.Version),
		Traffic:        &v.Traffic,
		Compute:        computeOf(v.Compute),
		Scaling:        scalingOf(v.Scaling),
		Env:            v.Env,
		StartupTimeout: nullableDuration(v.Startup),
	}
}

func scalingOf(s *mlops.Scaling) *scalingModel {
	if s == nil {
		return nil
	}
	m := &scalingModel{Min: s.Min, Max: s.Max, IdleAfter: nullableDuration(s.IdleAfter)}
	if s.Concurrency != nil {
		m.Target = &scalingTargetModel{Concurrency: s.Concurrency}
	}
	return m
}

func captureOf(c *mlops.Capture) *captureModel {
	if c == nil {
		return nil
	}
	return &captureModel{SamplePercent: &c.SamplePercent}
}

func smokeTestOf(t *mlops.SmokeTest) *smokeTestModel {
	if t == nil {
		return nil
	}
	return &smokeTestModel{Request: nullable(t.Request), ExpectStatus: &t.Status, Timeout: nullableDuration(t.Timeout)}
}

func servingOf(s mlops.Serving) servingModel {
	return servingModel{Version: nullableID(s.Version), Digest: nullable(s.Digest), Traffic: &s.Traffic}
}
