package sagemaker

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// asleep makes an endpoint's variant a serverless one.
func asleep(s *mlops.ModelEndpointSpec) {
	v := s.Variants["main"]
	v.Scaling = &mlops.Scaling{Min: new(int64(0))}
	s.Variants["main"] = v
}

func TestToServerless(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		memory      mlops.Quantity
		scaling     mlops.Scaling
		want, flows int32
		resolved    string
	}{
		{"by default", 0, mlops.Scaling{}, 2048, 8, "serverless 2048 MB"},
		{"little", 1 << 20, mlops.Scaling{Max: new(int64(3))}, 1024, 24, "serverless 1024 MB"},
		{"a step", 3 << 30, mlops.Scaling{Concurrency: new(int64(1))}, 3072, 1, "serverless 3072 MB"},
		{"a little more than a step", 3<<30 + 1, mlops.Scaling{Max: new(int64(20)), Concurrency: new(int64(10))}, 4096, 200, "serverless 4096 MB"},
		{"most", 6 << 30, mlops.Scaling{}, 6144, 8, "serverless 6144 MB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.scaling.Min = new(int64(0))
			v := mlops.Variant{Traffic: 100, Scaling: &test.scaling, Compute: &mlops.Compute{Memory: test.memory}}
			spec := mlops.ModelEndpointSpec{Variants: map[string]mlops.Variant{"main": v}}
			p, err := toEndpoint(testScene(), spec, map[string]endpointServed{"main": {}})
			if err != nil {
				t.Fatal(err)
			}
			got := p.config.ProductionVariants[0]
			want := types.ProductionVariant{
				VariantName: sdk.String("main"), ModelName: got.ModelName, InitialVariantWeight: sdk.Float32(100),
				ServerlessConfig: &types.ProductionVariantServerlessConfig{MemorySizeInMB: &test.want, MaxConcurrency: &test.flows},
			}
			if diff := cmp.Diff(want, got, unserialised()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			month := catalogue().MonthlyUSD(spec, p.form.Types)
			if p.form.Types["main"] != test.resolved || month == nil || *month != 0 {
				t.Errorf("resolved to %q at %v a month, want %q for nothing", p.form.Types["main"], month, test.resolved)
			}
			c := mlops.NewChecker()
			checkEndpoint(c, spec)
			if err := c.Err(); err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

// TestCheckServerless proves that what serverless endpoints do not have is refused
// where it is written.
func TestCheckServerless(t *testing.T) {
	t.Parallel()
	compute := func(a mlops.Compute) func(*mlops.ModelEndpointSpec) {
		return func(s *mlops.ModelEndpointSpec) {
			v := s.Variants["main"]
			v.Compute = &a
			s.Variants["main"] = v
		}
	}
	rollout := func(r mlops.Rollout) func(*mlops.ModelEndpointSpec) {
		return func(s *mlops.ModelEndpointSpec) { s.Rollout = &r }
	}
	const main = `variants["main"].`
	for _, test := range []struct {
		name   string
		change func(*mlops.ModelEndpointSpec)
		place  place
		want   string // path; empty is accepted
	}{
		{"plain", func(*mlops.ModelEndpointSpec) {}, place{Key: "arn:aws:kms:us-east-1:123456789012:key/1"}, ""},
		{"cores", compute(mlops.Compute{CPU: 1}), place{}, main + "compute.cpu"},
		{"memory", compute(mlops.Compute{Memory: 6<<30 + 1}), place{}, main + "compute.memory"},
		{"accelerator", compute(mlops.Compute{Accelerator: &mlops.Accelerator{Type: "nvidia-l4"}}), place{}, main + "compute.accelerator"},
		{"machine", compute(mlops.Compute{Native: "ml.m5.large"}), place{}, main + "compute.native"},
		{"disk", compute(mlops.Compute{Disk: 1 << 30}), place{}, main + "compute.disk"},
		{"spot", compute(mlops.Compute{Spot: true}), place{}, main + "compute.spot"},
		{"sleep", func(s *mlops.ModelEndpointSpec) { s.Variants["main"].Scaling.IdleAfter = minutes(5) }, place{}, main + "scaling.idle_after"},
		{"too many requests", func(s *mlops.ModelEndpointSpec) { s.Variants["main"].Scaling.Max = new(int64(26)) }, place{}, main + "scaling.max"},
		{"start", func(s *mlops.ModelEndpointSpec) {
			v := s.Variants["main"]
			v.Startup = minutes(5)
			s.Variants["main"] = v
		}, place{}, main + "startup_timeout"},
		{"two variants", func(s *mlops.ModelEndpointSpec) { s.Variants["other"] = mlops.Variant{} }, place{}, main + "scaling.min"},
		{"capture", func(s *mlops.ModelEndpointSpec) { s.Capture = &mlops.Capture{SamplePercent: 1} }, place{}, "capture"},
		{"at once", rollout(mlops.Rollout{Strategy: mlops.RolloutAllAtOnce}), place{}, ""},
		{"canary", rollout(mlops.Rollout{Strategy: mlops.RolloutCanary}), place{}, "rollout.strategy"},
		{"shadow", rollout(mlops.Rollout{Strategy: mlops.RolloutShadow}), place{}, "rollout.strategy"},
		{"kept", rollout(mlops.Rollout{Strategy: mlops.RolloutAllAtOnce, KeepPrevious: new(minutes(5))}), place{}, "rollout.keep_previous"},
		{"overridden rollout", func(s *mlops.ModelEndpointSpec) {
			s.Overrides = `{"UpdateEndpoint": {"DeploymentConfig": {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 60}}}}}`
		}, place{}, "overrides"},
		{"subnets", func(*mlops.ModelEndpointSpec) {}, place{Subnets: []string{"subnet-1"}}, main + "scaling.min"},
		{"isolation", func(*mlops.ModelEndpointSpec) {}, place{Isolated: true}, main + "scaling.min"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			spec := mlops.ModelEndpointSpec{Variants: map[string]mlops.Variant{"main": {Traffic: 100}}}
			asleep(&spec)
			test.change(&spec)
			c := mlops.NewChecker()
			checkEndpoint(c, spec)
			checkServerlessPlace(c, test.place, spec)
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

// TestServerlessLife proves that a serverless endpoint comes, changes, gets machines
// and goes, and that none with machines becomes one.
func TestServerlessLife(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 1)
	first, second := b.version("first"), b.version("second")
	made := b.create(b.spec(first, asleep))
	b.wantTargets()
	if got := made.Status.Resolved["main"]; got != "serverless 2048 MB" || made.Status.Replicas["main"] != 0 {
		t.Errorf("resolved to %q with %d replicas", got, made.Status.Replicas["main"])
	}
	larger := b.spec(second, asleep, func(s *mlops.ModelEndpointSpec) {
		v := s.Variants["main"]
		v.Compute = &mlops.Compute{Memory: 4 << 30}
		s.Variants["main"] = v
	})
	change, seen := b.update(larger)
	b.wantReady(change, seen)
	b.wantParts(made.Ref, 1, 1, 0)
	if _, err := b.kind.Update(t.Context(), made.Ref, b.spec(second, canary)); !wantsField(err, "rollout.strategy") {
		t.Errorf("machines by canary: %v", err)
	}
	change, seen = b.update(b.spec(second))
	b.wantReady(change, seen)
	b.account.ResetCalls()
	_, err := b.kind.Update(t.Context(), made.Ref, larger)
	if !wantsField(err, `variants["main"].scaling.min`) || b.account.Calls()["sagemaker.CreateEndpointConfig"] != 0 {
		t.Errorf("back to serverless: %v, calls %v", err, b.account.Calls())
	}
	c := mlops.NewChecker()
	if err := b.kind.Preflight(t.Context(), larger, c); err != nil || len(c.Problems()) != 1 || !c.Problems()[0].Warning {
		t.Errorf("preflight: %v, %v; want one warning", err, c.Problems())
	}
	b.destroy(made.Ref)
}

// wantsField reports whether an error is one of a spec, at an attribute.
func wantsField(err error, field string) bool {
	e, ok := errors.AsType[*mlops.Error](err)
	return ok && e.Code == mlops.Invalid && e.Field == field
}

// TestServerlessLeftForGood proves that machines that failed the smoke test are said to
// have failed: there is no way back to serverless.
func TestServerlessLeftForGood(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 1)
	tested := func(s *mlops.ModelEndpointSpec) {
		s.SmokeTest = &mlops.SmokeTest{Request: "{}", Status: http.StatusOK}
	}
	first, second := b.version("first"), b.version("second")
	made := b.create(b.spec(first, asleep, tested))
	b.account.World.SetHooks(aws.Hooks{Invoke: func(aws.Invocation) (int, []byte) { return http.StatusInternalServerError, []byte("no such column") }})
	change, seen := b.update(b.spec(second, tested))
	if seen.Phase != mlops.PhaseFailed || seen.Revision != change.Revision || !strings.Contains(seen.Reason, "got 500") {
		t.Errorf("it is %s at %q because %q, want failed at %q", seen.Phase, seen.Revision, seen.Reason, change.Revision)
	}
	b.account.World.SetHooks(aws.Hooks{})
	change, seen = b.update(b.spec(second, tested))
	b.wantReady(change, seen)
	b.wantParts(made.Ref, 1, 1, 0)
	b.destroy(made.Ref)
}

// TestServerlessServesAnArchive proves that the one file that is served has what the
// version's folder has, and goes with the version.
func TestServerlessServesAnArchive(t *testing.T) {
	t.Parallel()
	b := newEndpointBench(t, 0)
	version := b.version("bytes of a model")
	made := b.create(b.spec(version, asleep))
	models, err := b.c.sagemaker.ListModels(t.Context(), &sagemaker.ListModelsInput{})
	if err != nil || len(models.Models) != 1 {
		t.Fatalf("%d models, %v", len(models.Models), err)
	}
	model, err := b.c.sagemaker.DescribeModel(t.Context(), &sagemaker.DescribeModelInput{ModelName: models.Models[0].ModelName})
	if err != nil {
		t.Fatal(err)
	}
	uri := sdk.ToString(model.PrimaryContainer.ModelDataUrl)
	files, err := b.backend.store(t.Context(), version)
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := parseS3(uri)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := files.getBytes(t.Context(), key, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"model/model.bin": "bytes of a model"}
	if diff := cmp.Diff(want, unpacked(t, raw)); diff != "" {
		t.Errorf("the archive has (-want +got):\n%s", diff)
	}
	b.destroy(made.Ref)
	if err := b.backend.ModelVersions().Delete(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	if _, err := files.find(t.Context(), uri); !b.backend.is(err, mlops.NotFound) {
		t.Errorf("the archive outlives the version: %v", err)
	}
}

// unpacked reads an archive's files.
func unpacked(t *testing.T, raw []byte) map[string]string {
	t.Helper()
	zipped, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for files := tar.NewReader(zipped); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		content, readErr := io.ReadAll(files)
		if err := errors.Join(err, readErr); err != nil || header.Mode != 0o644 || slices.Contains(strings.Split(header.Name, "/"), "..") {
			t.Fatalf("%s of mode %o: %v", header.Name, header.Mode, err)
		}
		out[header.Name] = string(content)
	}
}
