package provider

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// roundTrip takes specs through attributes as Terraform stores them, and back.
func roundTrip[M any, S specification, T any](t *testing.T, d *definition[M, S, T], specs map[string]S) {
	t.Helper()
	full := d.schema(t.Context())
	c := newCodec[M](full, d.own)
	for name, spec := range specs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, diags := c.encode(t.Context(), d.model(mlops.Observed[S, T]{Ref: "memory/x", Spec: spec}, noTimeouts()))
			if diags.HasError() {
				t.Fatal(diags)
			}
			m, unknown, diags := c.decode(t.Context(), raw)
			if diags.HasError() || len(unknown) > 0 {
				t.Fatal(diags, unknown)
			}
			if diff := cmp.Diff(spec, d.toSpec(m)); diff != "" {
				t.Errorf("spec after a round trip (-want +got):\n%s", diff)
			}
		})
	}
}

func testFactories() []mlops.Factory { return []mlops.Factory{memoryFactory()} }

func TestEnvironmentRoundTrip(t *testing.T) {
	t.Parallel()
	least := mlops.EnvironmentSpec{Name: "a", Stage: "dev", Target: mlops.Target{Backend: "memory", Settings: mlops.Settings{}}}
	most := least
	most.Labels = map[string]string{"team": "ml"}
	most.Retention = &mlops.Retention{Runs: mlops.Duration(90 * time.Second), Captures: mlops.Duration(time.Hour)}
	most.DeletionProtection = true
	most.Budget = &mlops.Budget{MonthlyUSD: 99.5, AlertPercents: []int64{50, 120}, Emails: []string{"a@example.com"}}
	most.Target.Settings = mlops.Settings{"zone": "b", "note": "remark"}
	empty := least
	empty.Labels, empty.Retention = map[string]string{}, &mlops.Retention{}
	roundTrip(t, environment(testFactories()), map[string]mlops.EnvironmentSpec{"least": least, "most": most, "empty": empty})
}

func TestPipelineRoundTrip(t *testing.T) {
	t.Parallel()
	least := mlops.PipelineSpec{Environment: devID, Name: "p", Steps: map[string]mlops.Step{"a": {Script: "x"}}}
	four, none := "4", ""
	most := mlops.PipelineSpec{
		Environment: devID, Name: "p", Description: "d", Parallelism: 3, Experiment: devID + "/experiments/e",
		Parameters: map[string]mlops.Parameter{
			"depth": {Type: "integer", Default: &four, Description: "how deep"},
			"text":  {Type: "string", Default: &none},
			"must":  {Type: "string"},
		},
		Steps: map[string]mlops.Step{"a": {
			Script: "x", Image: "i", Packages: []string{"p==1"}, Inputs: map[string]string{"in": "{{run.id}}"}, Outputs: []string{"a", "b"},
			Env: map[string]string{"E": ""}, After: []string{"b"}, When: []string{"{{params.depth}} > 1", "{{params.must}} != ''"},
			Compute: &mlops.Compute{CPU: 0.5, Memory: 4 << 30, Accelerator: &mlops.Accelerator{Type: "t", Memory: 1000, Count: 2}},
			Retry:   &mlops.Retry{Attempts: 3, Backoff: mlops.Duration(10 * time.Second)}, Timeout: mlops.Duration(30 * time.Minute), NoCache: true,
		}, "b": {Command: []string{"true", ""}, Compute: &mlops.Compute{Native: "ml.g5.xlarge", Disk: 50 << 30, Spot: true}}},
		Schedule: &mlops.Schedule{Cron: "@daily", Timezone: "UTC", Disabled: true},
	}
	empty := mlops.PipelineSpec{
		Environment: devID, Name: "p", Parameters: map[string]mlops.Parameter{}, Schedule: &mlops.Schedule{Cron: "@daily"},
		Steps: map[string]mlops.Step{"a": {
			Command: []string{"true"}, Packages: []string{}, Inputs: map[string]string{}, Outputs: []string{}, Env: map[string]string{}, After: []string{}, When: []string{},
			Compute: &mlops.Compute{Accelerator: &mlops.Accelerator{}}, Retry: &mlops.Retry{Attempts: 1},
		}},
	}
	defined := mlops.PipelineSpec{Environment: devID, Name: "p", Definition: `{"Version": "2020-12-01"}`}
	roundTrip(t, pipeline(guide{testFactories()}), map[string]mlops.PipelineSpec{"least": least, "most": most, "empty": empty, "defined": defined})
}

func TestPipelineRunRoundTrip(t *testing.T) {
	t.Parallel()
	roundTrip(t, pipelineRun(), map[string]mlops.PipelineRunSpec{
		"least": {Pipeline: devID + "/pipelines/p"},
		"most":  {Pipeline: devID + "/pipelines/p", Parameters: map[string]string{"a": "1"}, Triggers: map[string]string{"t": ""}},
		"empty": {Pipeline: devID + "/pipelines/p", Parameters: map[string]string{}, Triggers: map[string]string{}},
	})
}

func TestModelRoundTrip(t *testing.T) {
	t.Parallel()
	roundTrip(t, model(), map[string]mlops.ModelSpec{
		"least": {Environment: devID, Name: "m"},
		"most":  {Environment: devID, Name: "m", Description: "Größe 🙂", Labels: map[string]string{"a": "b"}},
		"empty": {Environment: devID, Name: "m", Labels: map[string]string{}},
	})
}

func TestModelVersionRoundTrip(t *testing.T) {
	t.Parallel()
	roundTrip(t, modelVersion(guide{testFactories()}), map[string]mlops.ModelVersionSpec{
		"least": {Model: devID + "/models/m", ArtifactURI: "a", Format: "onnx", Approval: "pending"},
		"most": {
			Model: devID + "/models/m", Run: devID + "/pipelines/p/runs/1", Output: "train.model", Format: "custom",
			Command: []string{"serve"}, Packages: []string{"p"}, Signature: `{"a":1}`, Metrics: map[string]float64{"auc": 0.5},
			Description: "d", Labels: map[string]string{"a": "b"}, Approval: "approved", Aliases: []string{"blue", "champion"},
		},
		"image": {Model: devID + "/models/m", ArtifactURI: "a", Format: "custom", Image: "registry.example.com/serve:1", Approval: "pending"},
		"empty": {
			Model: devID + "/models/m", ArtifactURI: "a", Format: "onnx", Approval: "rejected",
			Packages: []string{}, Metrics: map[string]float64{}, Labels: map[string]string{}, Aliases: []string{},
		},
	})
}

func TestModelEndpointRoundTrip(t *testing.T) {
	t.Parallel()
	zero, two, eight := int64(0), int64(2), int64(8)
	none, minute, atOnce := 0.0, mlops.Duration(time.Minute), mlops.Duration(0)
	version := mlops.ID(devID + "/models/m/versions/1")
	roundTrip(t, modelEndpoint(guide{testFactories()}), map[string]mlops.ModelEndpointSpec{
		"least": {Environment: devID, Name: "e", Variants: map[string]mlops.Variant{"a": {Version: version, Traffic: 100}}},
		"most": {
			Environment: devID, Name: "e", Description: "d", Labels: map[string]string{"a": "b"},
			Variants: map[string]mlops.Variant{
				"a": {
					Version: version, Traffic: 0, Compute: &mlops.Compute{CPU: 1}, Env: map[string]string{"A": "b"}, Startup: mlops.Duration(time.Minute),
					Scaling: &mlops.Scaling{Min: &zero, Max: &two, Concurrency: &eight, IdleAfter: mlops.Duration(time.Minute)},
				},
				"b": {Version: version, Traffic: 100, Compute: &mlops.Compute{Native: "ml.m5.large", Disk: 1000}},
			},
			Rollout: &mlops.Rollout{
				Strategy: "canary", Steps: []int64{1, 99}, Increment: 7, Bake: minute, KeepPrevious: &minute,
				Gates: &mlops.Gates{MaxErrorPercent: &none, MaxP50: 1, MaxP95: 2, MaxP99: 3, MinRequests: 4, Wait: 5, SmokeTest: true},
			},
			Schedule: &mlops.UpTime{Up: "@daily", Down: "@hourly", Timezone: "UTC"}, Access: "token", DeletionProtection: true,
			Capture:   &mlops.Capture{SamplePercent: 0},
			SmokeTest: &mlops.SmokeTest{Request: "{}", Status: 404, Timeout: mlops.Duration(time.Second)}, Timeout: mlops.Duration(time.Second),
		},
		"empty": {
			Environment: devID, Name: "e", Labels: map[string]string{},
			Variants: map[string]mlops.Variant{"a": {Version: version, Traffic: 100, Compute: &mlops.Compute{}, Scaling: &mlops.Scaling{}, Env: map[string]string{}}},
			Capture:  &mlops.Capture{SamplePercent: 100},
			Rollout:  &mlops.Rollout{Strategy: "linear", KeepPrevious: &atOnce, Gates: &mlops.Gates{}},
		},
	})
}

// Where a configuration is silent, packages and metrics are what the platform
// says.
func TestModelVersionDerives(t *testing.T) {
	t.Parallel()
	status := mlops.ModelVersionStatus{Packages: []string{"of the step"}, Metrics: map[string]float64{"of the run": 1}, Digest: "sha256:0", Size: 0}
	silent := modelVersionOf(mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus]{Status: status})
	if diff := cmp.Diff([]any{status.Packages, status.Metrics, int64(0)}, []any{silent.Packages, silent.Metrics, *silent.Size}); diff != "" {
		t.Errorf("silent (-want +got):\n%s", diff)
	}
	spec := mlops.ModelVersionSpec{Packages: []string{}, Metrics: map[string]float64{}}
	explicit := modelVersionOf(mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus]{Spec: spec, Status: status})
	if diff := cmp.Diff([]any{spec.Packages, spec.Metrics}, []any{explicit.Packages, explicit.Metrics}); diff != "" {
		t.Errorf("explicit (-want +got):\n%s", diff)
	}
}

// What a variant was resolved to is of the status: the spec has what was asked for.
func TestModelEndpointResolved(t *testing.T) {
	t.Parallel()
	want := map[string]string{"a": "ml.m5.large"}
	seen := mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{Status: mlops.ModelEndpointStatus{Resolved: want}}
	if diff := cmp.Diff(want, modelEndpointOf(seen).Resolved); diff != "" {
		t.Errorf("resolved (-want +got):\n%s", diff)
	}
}

func TestNullableDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		90 * time.Second: "1m30s", time.Minute: "1m", 2 * time.Hour: "2h", 90 * time.Minute: "1h30m",
		time.Hour + time.Second: "1h0m1s", 10 * time.Second: "10s", 300 * time.Millisecond: "300ms",
	} {
		got := nullableDuration(mlops.Duration(d))
		if got == nil || *got != want {
			t.Errorf("%s is written %v, want %q", d, valueOf(got), want)
		}
		if back := durationOf(got); back != mlops.Duration(d) {
			t.Errorf("%q is read as %v", valueOf(got), back)
		}
	}
	if got := nullableDuration(0); got != nil {
		t.Errorf("nothing is written %q", *got)
	}
}
