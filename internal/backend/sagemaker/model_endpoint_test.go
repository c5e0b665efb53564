package sagemaker

import (
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

func minutes(n float64) mlops.Duration { return mlops.Duration(n * float64(time.Minute)) }

func TestToDeployment(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		rollout mlops.Rollout
		want    types.TrafficRoutingConfig
		kept    int32
		longest int32
	}{
		{
			"all at once",
			mlops.Rollout{Strategy: mlops.RolloutAllAtOnce},
			types.TrafficRoutingConfig{Type: types.TrafficRoutingConfigTypeAllAtOnce, WaitIntervalInSeconds: sdk.Int32(0)},
			0, 1800,
		},
		{
			"all at once, kept",
			mlops.Rollout{Strategy: mlops.RolloutAllAtOnce, KeepPrevious: new(minutes(10))},
			types.TrafficRoutingConfig{Type: types.TrafficRoutingConfigTypeAllAtOnce, WaitIntervalInSeconds: sdk.Int32(0)},
			600, 2400,
		},
		{
			"blue green",
			mlops.Rollout{Strategy: mlops.RolloutBlueGreen, Bake: minutes(5), KeepPrevious: new(minutes(20))},
			types.TrafficRoutingConfig{Type: types.TrafficRoutingConfigTypeAllAtOnce, WaitIntervalInSeconds: sdk.Int32(300)},
			1200, 3300,
		},
		{
			"canary by default",
			mlops.Rollout{Strategy: mlops.RolloutCanary},
			types.TrafficRoutingConfig{Type: types.TrafficRoutingConfigTypeCanary, WaitIntervalInSeconds: sdk.Int32(60), CanarySize: percentOf(10)},
			0, 1920,
		},
		{
			"canary",
			mlops.Rollout{Strategy: mlops.RolloutCanary, Steps: []int64{25}, KeepPrevious: new(minutes(0))},
			types.TrafficRoutingConfig{Type: types.TrafficRoutingConfigTypeCanary, WaitIntervalInSeconds: sdk.Int32(60), CanarySize: percentOf(25)},
			0, 1920,
		},
		{
			"linear by default",
			mlops.Rollout{Strategy: mlops.RolloutLinear, KeepPrevious: new(minutes(0))},
			types.TrafficRoutingConfig{Type: types.TrafficRoutingConfigTypeLinear, WaitIntervalInSeconds: sdk.Int32(60), LinearStepSize: percentOf(20)},
			0, 2100,
		},
		{
			"longest",
			mlops.Rollout{Strategy: mlops.RolloutLinear, Increment: 10, Bake: minutes(60), KeepPrevious: new(minutes(60))},
			types.TrafficRoutingConfig{Type: types.TrafficRoutingConfigTypeLinear, WaitIntervalInSeconds: sdk.Int32(3600), LinearStepSize: percentOf(10)},
			3600, 28800,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := toDeployment(&test.rollout).BlueGreenUpdatePolicy
			want := &types.BlueGreenUpdatePolicy{
				TrafficRoutingConfiguration: &test.want, TerminationWaitInSeconds: &test.kept, MaximumExecutionTimeoutInSeconds: &test.longest,
			}
			if diff := cmp.Diff(want, got, unserialised()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if toDeployment(nil) != nil {
		t.Error("no rollout has a deployment configuration")
	}
}

// TestCheckEndpoint proves that what SageMaker does not have is refused where it is
// written, and what it has is not.
func TestCheckEndpoint(t *testing.T) {
	t.Parallel()
	variant := func(change func(*mlops.Variant)) func(*mlops.ModelEndpointSpec) {
		return func(s *mlops.ModelEndpointSpec) {
			v := s.Variants["main"]
			change(&v)
			s.Variants["main"] = v
		}
	}
	rollout := func(r mlops.Rollout) func(*mlops.ModelEndpointSpec) {
		return func(s *mlops.ModelEndpointSpec) { s.Rollout = &r }
	}
	gates := func(g mlops.Gates) func(*mlops.ModelEndpointSpec) {
		return rollout(mlops.Rollout{Strategy: mlops.RolloutCanary, Gates: &g})
	}
	for _, test := range []struct {
		name   string
		change func(*mlops.ModelEndpointSpec)
		want   string // path; empty is accepted
	}{
		{"plain", func(*mlops.ModelEndpointSpec) {}, ""},
		{"a minute", func(s *mlops.ModelEndpointSpec) { s.Timeout = minutes(1) }, ""},
		{"more than a minute", func(s *mlops.ModelEndpointSpec) { s.Timeout = minutes(1.5) }, "request_timeout"},
		{"less than a second", func(s *mlops.ModelEndpointSpec) { s.Timeout = mlops.Duration(time.Millisecond) }, "request_timeout"},
		{"quick start", variant(func(v *mlops.Variant) { v.Startup = minutes(0.5) }), `variants["main"].startup_timeout`},
		{"slow start", variant(func(v *mlops.Variant) { v.Startup = minutes(61) }), `variants["main"].startup_timeout`},
		{"variable", variant(func(v *mlops.Variant) { v.Env = map[string]string{"not-a-name": ""} }), `variants["main"].env["not-a-name"]`},
		{"long value", variant(func(v *mlops.Variant) { v.Env = map[string]string{"A": strings.Repeat("ü", 1025)} }), `variants["main"].env["A"]`},
		{"largest disk", variant(func(v *mlops.Variant) { v.Compute = &mlops.Compute{Disk: 512 << 30} }), ""},
		{"too large a disk", variant(func(v *mlops.Variant) { v.Compute = &mlops.Compute{Disk: 512<<30 + 1} }), `variants["main"].compute.disk`},
		{"fixed disk", variant(func(v *mlops.Variant) { v.Compute = &mlops.Compute{Native: "ml.g5.xlarge", Disk: 1 << 30} }), `variants["main"].compute.disk`},
		{"spot", variant(func(v *mlops.Variant) { v.Compute = &mlops.Compute{Spot: true} }), `variants["main"].compute.spot`},
		{"sleep", variant(func(v *mlops.Variant) { v.Scaling = &mlops.Scaling{IdleAfter: minutes(5)} }), `variants["main"].scaling.idle_after`},
		{"one step", rollout(mlops.Rollout{Strategy: mlops.RolloutCanary, Steps: []int64{50}}), ""},
		{"two steps", rollout(mlops.Rollout{Strategy: mlops.RolloutCanary, Steps: []int64{10, 50}}), "rollout.steps"},
		{"large step", rollout(mlops.Rollout{Strategy: mlops.RolloutCanary, Steps: []int64{51}}), "rollout.steps"},
		{"small increment", rollout(mlops.Rollout{Strategy: mlops.RolloutLinear, Increment: 9}), "rollout.increment"},
		{"large increment", rollout(mlops.Rollout{Strategy: mlops.RolloutLinear, Increment: 51}), "rollout.increment"},
		{"long bake", rollout(mlops.Rollout{Strategy: mlops.RolloutBlueGreen, Bake: minutes(61)}), "rollout.bake"},
		{"part of a second", rollout(mlops.Rollout{Strategy: mlops.RolloutBlueGreen, Bake: mlops.Duration(1500 * time.Millisecond)}), "rollout.bake"},
		{"long kept", rollout(mlops.Rollout{Strategy: mlops.RolloutBlueGreen, KeepPrevious: new(minutes(61))}), "rollout.keep_previous"},
		{"over eight hours", rollout(mlops.Rollout{Strategy: mlops.RolloutLinear, Increment: 10, Bake: minutes(60)}), "rollout.bake"},
		{"gates", gates(mlops.Gates{MaxErrorPercent: new(1.0), MaxP99: minutes(1), MinRequests: 5}), ""},
		{"waiting gate", gates(mlops.Gates{Wait: minutes(5)}), "rollout.gates.wait"},
		{"smoking gate", gates(mlops.Gates{SmokeTest: true}), "rollout.gates.smoke_test"},
		{"too many gates", func(s *mlops.ModelEndpointSpec) {
			gates(mlops.Gates{MaxErrorPercent: new(1.0), MaxP50: 1, MaxP95: 1, MaxP99: 1})(s)
			s.Variants = map[string]mlops.Variant{"a": {Traffic: 50}, "b": {Traffic: 30}, "c": {Traffic: 20}}
		}, "rollout.gates"},
		{"inf1", func(s *mlops.ModelEndpointSpec) {
			rollout(mlops.Rollout{Strategy: mlops.RolloutBlueGreen})(s)
			variant(func(v *mlops.Variant) { v.Compute = &mlops.Compute{Native: "ml.inf1.xlarge"} })(s)
		}, "rollout.strategy"},
		{"shadow", rollout(mlops.Rollout{Strategy: mlops.RolloutShadow, Bake: minutes(24 * 60), Gates: &mlops.Gates{Wait: minutes(5)}}), ""},
		{"asynchronous shadow", func(s *mlops.ModelEndpointSpec) {
			rollout(mlops.Rollout{Strategy: mlops.RolloutShadow})(s)
			s.Overrides = `{"CreateEndpointConfig": {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://bucket/answers"}}}}`
		}, "rollout.strategy"},
		{"shadow for days", rollout(mlops.Rollout{Strategy: mlops.RolloutShadow, Bake: minutes(24*60 + 1)}), "rollout.bake"},
		{"shadow of two", func(s *mlops.ModelEndpointSpec) {
			rollout(mlops.Rollout{Strategy: mlops.RolloutShadow})(s)
			s.Variants["other"] = mlops.Variant{}
		}, "rollout.strategy"},
		{"large request", func(s *mlops.ModelEndpointSpec) {
			s.SmokeTest = &mlops.SmokeTest{Request: incompressible(16 << 10), Status: 200}
		}, "smoke_test.request"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			spec := mlops.ModelEndpointSpec{Variants: map[string]mlops.Variant{"main": {Traffic: 100}}}
			test.change(&spec)
			c := mlops.NewChecker()
			checkEndpoint(c, spec)
			var got []string
			for _, p := range c.Problems() {
				got = append(got, p.Path.String())
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("problems %v, want at %q", c.Problems(), test.want)
			}
		})
	}
}

// incompressible is JSON that does not get smaller.
func incompressible(size int) string {
	var b strings.Builder
	for b.Len() < size {
		b.WriteString(shortHash(b.String()))
	}
	return `"` + b.String() + `"`
}

// testScene is an endpoint's scene without a platform.
func testScene() scene {
	return scene{
		c: &clients{region: testRegion, partition: "aws"}, name: "bench--churn", arn: "arn:aws:sagemaker:us-east-1:123456789012:endpoint/bench--churn",
		id:    mlops.EnvironmentID(name, []string{testRegion}, "bench").Child(mlops.NounModelEndpoint, "churn"),
		place: place{Account: "123456789012", Bucket: "bucket", Role: "arn:aws:iam::123456789012:role/bench"},
	}
}

// TestEndpointNames proves what needs another configuration, and what does not:
// names follow the content.
func TestEndpointNames(t *testing.T) {
	t.Parallel()
	base := func() (scene, mlops.ModelEndpointSpec, map[string]endpointServed) {
		return testScene(), mlops.ModelEndpointSpec{Variants: map[string]mlops.Variant{"main": {Traffic: 100}}},
			map[string]endpointServed{"main": {container: types.ContainerDefinition{Image: sdk.String("image:1")}}}
	}
	variant := func(s *mlops.ModelEndpointSpec, change func(*mlops.Variant)) {
		v := s.Variants["main"]
		change(&v)
		s.Variants["main"] = v
	}
	for _, test := range []struct {
		name         string
		change       func(*scene, *mlops.ModelEndpointSpec, map[string]endpointServed)
		model, other bool // another model; another configuration, that has to be rolled out
	}{
		{"nothing", func(*scene, *mlops.ModelEndpointSpec, map[string]endpointServed) {}, false, false},
		{"labels", func(_ *scene, s *mlops.ModelEndpointSpec, _ map[string]endpointServed) {
			s.Labels = map[string]string{"a": "b"}
		}, false, false},
		{"weights", func(_ *scene, s *mlops.ModelEndpointSpec, _ map[string]endpointServed) {
			variant(s, func(v *mlops.Variant) { v.Traffic = 50 })
		}, false, false},
		{"count", func(_ *scene, s *mlops.ModelEndpointSpec, _ map[string]endpointServed) {
			variant(s, func(v *mlops.Variant) { v.Scaling = &mlops.Scaling{Min: new(int64(3))} })
		}, false, false},
		{"image", func(_ *scene, _ *mlops.ModelEndpointSpec, v map[string]endpointServed) {
			v["main"] = endpointServed{container: types.ContainerDefinition{Image: sdk.String("image:2")}}
		}, true, true},
		{"environment", func(_ *scene, s *mlops.ModelEndpointSpec, _ map[string]endpointServed) {
			variant(s, func(v *mlops.Variant) { v.Env = map[string]string{"A": "B"} })
		}, true, true},
		{"role", func(s *scene, _ *mlops.ModelEndpointSpec, _ map[string]endpointServed) { s.place.Role += "2" }, true, true},
		{"network", func(s *scene, _ *mlops.ModelEndpointSpec, _ map[string]endpointServed) {
			s.place.Subnets, s.place.Groups = []string{"subnet-1"}, []string{"sg-1"}
		}, true, true},
		{"isolation", func(s *scene, _ *mlops.ModelEndpointSpec, _ map[string]endpointServed) {
			s.place.Isolated = true
		}, true, true},
		{"key", func(s *scene, _ *mlops.ModelEndpointSpec, _ map[string]endpointServed) {
			s.place.Key = "arn:aws:kms:us-east-1:123456789012:key/1"
		}, false, true},
		{"capture", func(_ *scene, s *mlops.ModelEndpointSpec, _ map[string]endpointServed) {
			s.Capture = &mlops.Capture{SamplePercent: 10}
		}, false, true},
		{"machine", func(_ *scene, s *mlops.ModelEndpointSpec, _ map[string]endpointServed) {
			variant(s, func(v *mlops.Variant) { v.Compute = &mlops.Compute{Native: "ml.c5.xlarge"} })
		}, false, true},
		{"disk", func(_ *scene, s *mlops.ModelEndpointSpec, _ map[string]endpointServed) {
			variant(s, func(v *mlops.Variant) { v.Compute = &mlops.Compute{Disk: 1 << 30} })
		}, false, true},
		{"startup", func(_ *scene, s *mlops.ModelEndpointSpec, _ map[string]endpointServed) {
			variant(s, func(v *mlops.Variant) { v.Startup = minutes(6) })
		}, false, true},
		{"another endpoint", func(s *scene, _ *mlops.ModelEndpointSpec, _ map[string]endpointServed) {
			s.id += "2"
		}, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want, err := toEndpoint(base())
			if err != nil {
				t.Fatal(err)
			}
			scene, spec, served := base()
			test.change(&scene, &spec, served)
			got, err := toEndpoint(scene, spec, served)
			if err != nil {
				t.Fatal(err)
			}
			if other := *got.models[0].ModelName != *want.models[0].ModelName; other != test.model {
				t.Errorf("another model: %t, want %t", other, test.model)
			}
			if other := got.form.Core != want.form.Core; other != test.other {
				t.Errorf("another configuration: %t, want %t", other, test.other)
			}
			if !strings.HasPrefix(got.form.Config, endpointPrefix(scene.id)) || len(got.form.Config) > maxName {
				t.Errorf("the configuration's name is %q", got.form.Config)
			}
		})
	}
}

// TestEndpointKey proves that disks of the machine's own are given no key, which
// SageMaker would refuse.
func TestEndpointKey(t *testing.T) {
	t.Parallel()
	scene := testScene()
	scene.place.Key = "arn:aws:kms:us-east-1:123456789012:key/1"
	for machine, want := range map[string]string{"ml.m5.xlarge": scene.place.Key, "ml.g5.xlarge": ""} {
		spec := mlops.ModelEndpointSpec{Variants: map[string]mlops.Variant{"main": {Traffic: 100, Compute: &mlops.Compute{Native: machine}}}}
		got, err := toEndpoint(scene, spec, map[string]endpointServed{"main": {}})
		if err != nil || sdk.ToString(got.config.KmsKeyId) != want {
			t.Errorf("%s: key %q (%v), want %q", machine, sdk.ToString(got.config.KmsKeyId), err, want)
		}
	}
}

func TestFailureMark(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, words, want string }{
		{"words", "the smoke test expected 200, and got 500: {\"detail\": [1]}", ""},
		{"unicode", "Grüße 世界 🚀", ""},
		{"long", incompressible(2000), incompressible(2000)[:60]},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			mark, err := failureMark("0123456789abcdef", test.words)
			if err != nil || len(mark) > maxTagValue {
				t.Fatalf("%d bytes, %v", len(mark), err)
			}
			s := endpointState{asked: endpointForm{Revision: "0123456789abcdef"}}
			s.tags = map[string]string{tagEndpointFailure: mark}
			if got := s.givenUp(); test.want == "" && got != test.words || !strings.HasPrefix(got, test.want) {
				t.Errorf("read %q", got)
			}
			s.asked.Revision = "another"
			if got := s.givenUp(); got != "" {
				t.Errorf("another revision was given up because %q", got)
			}
		})
	}
}

// TestEndpointVerdict proves how a look is taken, at every place of a change.
func TestEndpointVerdict(t *testing.T) {
	t.Parallel()
	failure, err := failureMark("new", "it broke")
	if err != nil {
		t.Fatal(err)
	}
	before := &endpointForm{Revision: "old", Config: "config-old"}
	for _, test := range []struct {
		name   string
		status types.EndpointStatus
		config string
		before *endpointForm
		tags   map[string]string
		phase  mlops.Phase
		step   endpointStep
	}{
		{"created", types.EndpointStatusCreating, "config-new", nil, map[string]string{tagEndpointBegun: "new"}, mlops.PhasePending, endpointRest},
		{"in service", types.EndpointStatusInService, "config-new", nil, map[string]string{tagEndpointBegun: "new"}, mlops.PhasePending, endpointSettle},
		{"done", types.EndpointStatusInService, "config-new", nil, map[string]string{tagEndpointBegun: "new", tagEndpointDone: "new@1"}, mlops.PhaseReady, endpointRest},
		{"scaled by itself", types.EndpointStatusUpdating, "config-new", nil, map[string]string{tagEndpointBegun: "new", tagEndpointDone: "new@1"}, mlops.PhaseReady, endpointRest},
		{"failed", types.EndpointStatusFailed, "config-new", nil, map[string]string{tagEndpointBegun: "new"}, mlops.PhaseFailed, endpointRest},
		{"failed after it was done", types.EndpointStatusFailed, "config-new", nil, map[string]string{tagEndpointBegun: "new", tagEndpointDone: "new@1"}, mlops.PhaseFailed, endpointRest},
		{"smoke test failed", types.EndpointStatusInService, "config-new", nil, map[string]string{tagEndpointBegun: "new", tagEndpointFailure: failure}, mlops.PhaseFailed, endpointRest},
		{"asked", types.EndpointStatusInService, "config-old", before, map[string]string{tagEndpointDone: "old@1"}, mlops.PhasePending, endpointBegin},
		{"asked while busy", types.EndpointStatusUpdating, "config-old", before, map[string]string{tagEndpointDone: "old@1"}, mlops.PhasePending, endpointRest},
		{"asked of what failed", types.EndpointStatusFailed, "config-old", nil, nil, mlops.PhasePending, endpointBegin},
		{"rolling back", types.EndpointStatusRollingBack, "config-old", before, map[string]string{tagEndpointBegun: "new"}, mlops.PhasePending, endpointRest},
		{"rolled back", types.EndpointStatusInService, "config-old", before, map[string]string{tagEndpointBegun: "new"}, mlops.PhasePending, endpointSettle},
		{"rolled back, and told", types.EndpointStatusInService, "config-old", before, map[string]string{tagEndpointBegun: "new", tagEndpointDone: "old@2", tagEndpointFailure: failure}, mlops.PhaseReady, endpointRest},
		{"begins as a shadow", types.EndpointStatusInService, "config-shadow", before, map[string]string{tagEndpointBegun: "new"}, mlops.PhasePending, endpointShadow},
		{"shadow bakes", types.EndpointStatusInService, "config-shadow", before, map[string]string{tagEndpointBegun: "new", tagEndpointDone: "new" + shadowBakes + "@99999999999"}, mlops.PhasePending, endpointRest},
		{"shadow is baked", types.EndpointStatusInService, "config-shadow", before, map[string]string{tagEndpointBegun: "new", tagEndpointDone: "new" + shadowBakes + "@1"}, mlops.PhasePending, endpointShadow},
		{"shadow failed", types.EndpointStatusInService, "config-shadow", before, map[string]string{tagEndpointBegun: "new", tagEndpointDone: "new" + shadowBakes + "@99999999999", tagEndpointFailure: failure}, mlops.PhasePending, endpointShadow},
		{"shadow of another change", types.EndpointStatusInService, "config-shadow", before, map[string]string{tagEndpointDone: "older" + shadowBakes + "@99999999999"}, mlops.PhasePending, endpointBegin},
		{"shadow is moved", types.EndpointStatusUpdating, "config-shadow", before, map[string]string{tagEndpointBegun: "new", tagEndpointDone: "new" + shadowMoved + "@1"}, mlops.PhasePending, endpointRest},
		{"shadow was moved", types.EndpointStatusInService, "config-new", before, map[string]string{tagEndpointBegun: "new", tagEndpointDone: "new" + shadowMoved + "@1"}, mlops.PhasePending, endpointSettle},
		{"smoke test of a change failed", types.EndpointStatusInService, "config-new", before, map[string]string{tagEndpointBegun: "new", tagEndpointFailure: failure}, mlops.PhasePending, endpointSettle},
		{"deleted", types.EndpointStatusDeleting, "config-new", nil, map[string]string{tagEndpointBegun: "new"}, mlops.PhaseDeleting, endpointRest},
		{"deleted to be made again", types.EndpointStatusDeleting, "config-new", nil, map[string]string{tagEndpointNext: nextRemake}, mlops.PhasePending, endpointRest},
		{"gone", "", "config-new", nil, map[string]string{tagEndpointNext: nextSweep}, mlops.PhaseDeleting, endpointSweep},
		{"gone to be made again", "", "config-new", nil, map[string]string{tagEndpointNext: nextRemake}, mlops.PhasePending, endpointRemake},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := endpointState{asked: endpointForm{Revision: "new", Config: "config-new", Shadow: "config-shadow"}, before: test.before}
			s.asked.Spec.Rollout = &mlops.Rollout{Strategy: mlops.RolloutShadow}
			s.endpointFacts = endpointFacts{exists: test.status != "", status: test.status, config: test.config, tags: test.tags}
			if got := s.verdict(); got.phase != test.phase || got.step != test.step {
				t.Errorf("it is %s, step %d, because %q; want %s, step %d", got.phase, got.step, got.reason, test.phase, test.step)
			}
		})
	}
}

// TestEndpointMeasures proves that figures are CloudWatch's.
func TestEndpointMeasures(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 0)
	ref := b.create(b.spec(b.version("bytes"))).Ref
	at := time.Now().Truncate(time.Minute).Add(-time.Minute)
	sample := func(metric string, value float64) aws.Sample {
		return aws.Sample{
			Namespace: namespace, Metric: metric, At: at, Value: value,
			Dimensions: map[string]string{"EndpointName": "bench--churn", "VariantName": "main"},
		}
	}
	for _, latency := range []float64{10_000, 20_000, 30_000} {
		b.account.World.PutSamples(testRegion, sample("Invocations", 1), sample("ModelLatency", latency))
	}
	b.account.World.PutSamples(testRegion, sample("Invocation5XXErrors", 1))
	got, err := b.kind.Measure(t.Context(), ref, at.Add(-time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if f := got["main"]; f.Requests != 3 || f.Errors != 1 || f.P50 != mlops.Duration(20*time.Millisecond) || f.P99 < f.P95 || f.P95 < f.P50 {
		t.Errorf("figures are %+v", f)
	}
	idle, err := b.kind.Measure(t.Context(), ref, time.Now())
	if diff := cmp.Diff(map[string]mlops.Figures{"main": {}}, idle); err != nil || diff != "" {
		t.Errorf("figures of no time: %v (-want +got):\n%s", err, diff)
	}
}
