package sagemaker

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws/awstest"
)

// quotaEndpointSpec asks for machines of a type, from least to most of them.
func quotaEndpointSpec(machine string, least, most int64) mlops.ModelEndpointSpec {
	return mlops.ModelEndpointSpec{
		Environment: "sagemaker/us-east-1/dev", Name: "churn",
		Variants: map[string]mlops.Variant{"main": {
			Version: "sagemaker/us-east-1/dev/models/churn/versions/1", Traffic: 100,
			Compute: &mlops.Compute{Native: machine}, Scaling: &mlops.Scaling{Min: &least, Max: &most},
		}},
	}
}

func TestEndpointQuotasAtPlan(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spec  mlops.ModelEndpointSpec
		quota map[string]float64
		at    string   // "" is no warning
		words []string // of the warning
	}{
		{"enough", quotaEndpointSpec("ml.m5.large", 2, 4), map[string]float64{"ml.m5.large for endpoint usage": 4}, "", nil},
		{
			"too few to begin", quotaEndpointSpec("ml.m5.large", 2, 4),
			map[string]float64{"ml.m5.large for endpoint usage": 1},
			`variants["main"].compute`,
			[]string{
				`"ml.m5.large for endpoint usage" (L-614B09FD) of this account is 1 in us-east-1, and 2 at once`,
				"aws service-quotas request-service-quota-increase --service-code sagemaker --region us-east-1 --quota-code L-614B09FD --desired-value 2",
			},
		},
		{
			"none at all", quotaEndpointSpec("ml.g5.xlarge", 1, 1), nil, `variants["main"].compute`,
			[]string{`"ml.g5.xlarge for endpoint usage" (L-1928E07B) of this account is 0`, "--desired-value 1"},
		},
		{
			"too few to scale", quotaEndpointSpec("ml.m5.large", 2, 4),
			map[string]float64{"ml.m5.large for endpoint usage": 3},
			`variants["main"].scaling.max`,
			[]string{"is 3 in us-east-1, and up to 4", "--desired-value 4"},
		},
		{
			"too few of all types", quotaEndpointSpec("ml.m5.large", 3, 3),
			map[string]float64{"Number of instances across active endpoints": 2},
			`variants["main"].compute`,
			[]string{`"Number of instances across active endpoints" (L-7A3DF611)`},
		},
		{"serverless", quotaEndpointSpec("", 0, 1), map[string]float64{"Number of instances across active endpoints": 0}, "", nil},
		{"a type without a quota", quotaEndpointSpec("ml.c4.large", 1, 1), nil, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			account := awstest.Start(t, aws.Config{Looks: 1})
			for name, value := range tt.quota {
				account.World.SetQuota(name, value)
			}
			b := openAt(t, account.URL, "us")
			c := mlops.NewChecker(mlops.At("variants", mlops.Key("main"), "version")) // as of a version that is planned too
			seer, ok := b.ModelEndpoints().(mlops.Forewarner[mlops.ModelEndpointSpec])
			if !ok {
				t.Fatal("endpoints forewarn of nothing")
			}
			if err := seer.Forewarn(t.Context(), tt.spec, c); err != nil {
				t.Fatal(err)
			}
			wantWarning(t, c, tt.at, tt.words)
		})
	}
}

// wantWarning expects one warning, at a field and with some words, or none.
func wantWarning(t *testing.T, c *mlops.Checker, field string, words []string) {
	t.Helper()
	if err := c.Err(); err != nil {
		t.Errorf("a quota is an error: %v", err)
	}
	wantProblem(t, c, field, "")
	for _, w := range words {
		for _, p := range c.Problems() {
			if !strings.Contains(p.Detail, w) {
				t.Errorf("%s\nwant: %s", p.Detail, w)
			}
		}
	}
}

func TestPipelineQuotas(t *testing.T) {
	t.Parallel()
	step := func(machine string, after ...string) mlops.Step {
		return mlops.Step{Command: []string{"true"}, After: after, Compute: &mlops.Compute{Native: machine}}
	}
	wide := map[string]mlops.Step{
		"begin": step("ml.m5.large"), "a": step("ml.m5.xlarge", "begin"), "b": step("ml.m5.xlarge", "begin"), "c": step("ml.m5.large", "begin"), "end": step("ml.m5.xlarge", "a", "b", "c"),
	}
	tests := []struct {
		name string
		spec mlops.PipelineSpec
		want map[string]int64 // by quota
	}{
		{"at once where nothing waits", mlops.PipelineSpec{Steps: wide}, map[string]int64{
			"ml.m5.large for processing job usage": 1, "ml.m5.xlarge for processing job usage": 2, "Number of instances across all processing jobs": 3,
		}},
		{"no more than the pipeline allows", mlops.PipelineSpec{Steps: wide, Parallelism: 1}, map[string]int64{
			"ml.m5.large for processing job usage": 1, "ml.m5.xlarge for processing job usage": 1, "Number of instances across all processing jobs": 1,
		}},
		{"on spot capacity", mlops.PipelineSpec{Steps: map[string]mlops.Step{
			"a": step("ml.m5.large"), "b": {Command: []string{"true"}, Compute: &mlops.Compute{Native: "ml.m5.large", Spot: true}},
		}}, map[string]int64{
			"ml.m5.large for processing job usage": 1, "Number of instances across all processing jobs": 1,
			"ml.m5.large for spot training job usage": 1, "Number of instances across all training jobs": 1,
		}},
		{"in the platform's own language", mlops.PipelineSpec{Definition: testDefinition}, map[string]int64{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := map[string]int64{}
			for _, ask := range pipelineQuotas(tt.spec) {
				got[ask.name] = ask.least
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestQuotasAreListedOnce proves that many plans at once cost one listing, and that
// who may not list, or too often, is told nothing and not asked again.
func TestQuotasAreListedOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault *aws.Fault
		code  mlops.Code
		calls func(int) bool
	}{
		{"allowed", nil, "", func(n int) bool { return n > 1 && n < 15 }}, // pages
		{"not allowed", &aws.Fault{Code: "AccessDeniedException", Message: "User is not authorized to perform: servicequotas:ListServiceQuotas", Status: 400}, mlops.PermissionDenied, func(n int) bool { return n == 1 }},
		{"throttled", &aws.Fault{Code: "TooManyRequestsException", Message: "Rate exceeded", Status: 429}, mlops.Unavailable, func(n int) bool { return n == quotaAttempts }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			account := awstest.Start(t, aws.Config{Looks: 1})
			if tt.fault != nil {
				account.Inject(aws.Rule{Operation: "ListServiceQuotas", Times: -1, Fault: tt.fault})
			}
			b := openAt(t, account.URL, "us")
			spec := quotaEndpointSpec("ml.g5.xlarge", 1, 1)
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					c := mlops.NewChecker()
					err := b.checkQuotas(t.Context(), c, spec.Environment, endpointQuotas(spec), func(context.Context) (instancesUsed, error) { return instancesUsed{}, nil })
					if got := b.Code(err); err != nil && got != tt.code || err == nil && tt.fault != nil {
						t.Errorf("got %v", err)
					}
					if warned := len(c.Problems()) > 0; warned != (tt.fault == nil) {
						t.Errorf("warned: %t", warned)
					}
				})
			}
			all.Wait()
			if n := account.Calls()["service-quotas.ListServiceQuotas"]; !tt.calls(n) {
				t.Errorf("%d calls", n)
			}
		})
	}
}

func TestMonitorQuotas(t *testing.T) {
	t.Parallel()
	const large = `{"data_drift": {"JobResources": {"ClusterConfig": {"InstanceType": "ml.m5.4xlarge", "InstanceCount": 2}}}}`
	tests := []struct {
		name string
		spec mlops.MonitorSpec
		want map[string]int64 // by quota
	}{
		{"health alone", mlops.MonitorSpec{Health: &mlops.HealthCheck{MinRequests: 1}}, map[string]int64{}},
		{"a job for two checks", mlops.MonitorSpec{DataDrift: &mlops.DriftCheck{}, DataQuality: &mlops.DataQualityCheck{}}, map[string]int64{
			"ml.m5.xlarge for processing job usage": 1, "Number of instances across all processing jobs": 1,
		}},
		{"three jobs at once", bias(func(s *mlops.MonitorSpec) { s.PredictionDrift = &mlops.DriftCheck{} }), map[string]int64{
			"ml.m5.xlarge for processing job usage": 3, "Number of instances across all processing jobs": 3,
		}},
		{"larger ones, but for the baseline", mlops.MonitorSpec{DataDrift: &mlops.DriftCheck{}, Overrides: large}, map[string]int64{
			"ml.m5.xlarge for processing job usage": 1, "ml.m5.4xlarge for processing job usage": 2, "Number of instances across all processing jobs": 2,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := map[string]int64{}
			for _, ask := range monitorQuotas(tt.spec) {
				got[ask.name] = ask.least
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestMonitorQuotaWarningsAreRight proves that what is warned of is refused, and that
// what is not warned of is made.
func TestMonitorQuotaWarningsAreRight(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		quota map[string]float64
		at    string // "" is no warning
		words []string
		fails mlops.Code
	}{
		{"enough", nil, "", nil, ""},
		{
			"none to describe the baseline",
			map[string]float64{"ml.m5.xlarge for processing job usage": 0},
			"explainability",
			[]string{`"ml.m5.xlarge for processing job usage" (L-0307F515) of this account is 0`, "--desired-value 1"},
			mlops.QuotaExceeded,
		},
		{
			"none for a copy of the endpoint", // which Clarify makes by itself, and the simulation does not
			map[string]float64{"ml.m5.large for endpoint usage": 1},
			"explainability",
			[]string{`is 1 in us-east-1, and 2 at once`},
			"",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newMonitorBench(t)
			for name, value := range tt.quota {
				b.account.World.SetQuota(name, value)
			}
			c := mlops.NewChecker()
			if err := b.monitors.Forewarn(t.Context(), b.explainedSpec(), c); err != nil {
				t.Fatal(err)
			}
			wantWarning(t, c, tt.at, tt.words)
			if _, err := b.monitors.Create(t.Context(), b.explainedSpec()); tt.fails == "" && err != nil || tt.fails != "" && !b.backend.is(err, tt.fails) {
				t.Errorf("create: %v, want %q", err, tt.fails)
			}
		})
	}
}

// TestEndpointQuotaWarningsAreRight proves the same of endpoints.
func TestEndpointQuotaWarningsAreRight(t *testing.T) {
	t.Parallel()
	for value, fails := range map[float64]bool{0: true, 1: false} {
		b := newEndpointBench(t, 1)
		b.account.World.SetQuota("ml.m5.large for endpoint usage", value)
		spec := b.spec(b.version("first"), func(s *mlops.ModelEndpointSpec) {
			v := s.Variants["main"]
			v.Compute = &mlops.Compute{Native: "ml.m5.large"}
			s.Variants["main"] = v
		})
		c := mlops.NewChecker()
		if err := (modelEndpointKind{b.backend}).Forewarn(t.Context(), spec, c); err != nil {
			t.Fatal(err)
		}
		if warned := len(c.Problems()) > 0; warned != fails {
			t.Errorf("with %g it warns: %t", value, warned)
		}
		if _, err := b.backend.ModelEndpoints().Create(t.Context(), spec); b.backend.is(err, mlops.QuotaExceeded) != fails {
			t.Errorf("with %g: %v", value, err)
		}
	}
}
