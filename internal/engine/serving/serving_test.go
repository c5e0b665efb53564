package serving

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestLife(t *testing.T) {
	t.Parallel()
	b := started(t)
	version := b.version("1", "one")
	s := spec(version, func(s *mlops.ModelEndpointSpec, _ *mlops.Variant) {
		s.Capture = &mlops.Capture{SamplePercent: 100}
	})
	o := b.ready(s)
	url := "http://" + b.Address() + "/dev/churn"
	want := mlops.ModelEndpointStatus{
		URL:      url,
		Serving:  map[string]mlops.Serving{"main": {Version: version, Digest: mlops.DigestOf("one"), Traffic: 100}},
		Replicas: map[string]int64{"main": 1},
		Rollout: &mlops.RolloutStatus{
			Revision: o.Revision, Strategy: mlops.RolloutAllAtOnce, State: mlops.RolloutDone, Percent: 100,
			Candidate: map[string]mlops.Serving{"main": {Version: version, Digest: mlops.DigestOf("one"), Traffic: 100}},
		},
	}
	if d := cmp.Diff(want, o.Status, cmpopts.IgnoreTypes(time.Time{})); d != "" {
		t.Errorf("status (-want +got):\n%s", d)
	}
	dir := filepath.Join(b.root, "environments", "dev")
	native := map[string]string{
		"url": url, "capture_directory": filepath.Join(dir, "captures", "churn"), "log_directory": filepath.Join(dir, "endpoints", "churn", "logs"),
	}
	if d := cmp.Diff(native, o.Native); d != "" {
		t.Errorf("native (-want +got):\n%s", d)
	}
	b.wantModel("one")

	b.remove(s.ID())
	b.noServers()
	for _, d := range []string{native["capture_directory"], filepath.Dir(native["log_directory"])} {
		if _, err := os.Stat(d); !os.IsNotExist(err) {
			t.Errorf("%s is left (%v)", d, err)
		}
	}
	if status, _, _ := b.ask("", ""); status != http.StatusNotFound {
		t.Errorf("a removed endpoint answers with %d", status)
	}
	b.ready(s) // and it can be made again
	b.wantModel("one")
}

func TestRefused(t *testing.T) {
	t.Parallel()
	b := started(t)
	version := b.version("1", "one")
	foreign := mlops.ID("local/other/models/m/versions/1")
	strange := modelID.Child(mlops.NounModelVersion, "9")
	put(b, b.store.Versions(), strange, mlops.ModelVersionSpec{Model: modelID, Format: "tensorflow"}, mlops.ModelVersionStatus{URI: "file:///x"})
	accelerator := func(_ *mlops.ModelEndpointSpec, v *mlops.Variant) {
		v.Compute = &mlops.Compute{Accelerator: &mlops.Accelerator{Type: "nvidia-l4"}}
	}
	tests := []struct {
		name  string
		spec  mlops.ModelEndpointSpec
		code  mlops.Code
		field string
	}{
		{"traffic", spec(version, func(_ *mlops.ModelEndpointSpec, v *mlops.Variant) { v.Traffic = 99 }), mlops.Invalid, "variants"},
		{"name", spec(version, func(s *mlops.ModelEndpointSpec, _ *mlops.Variant) { s.Name = "Not Fit 🚀" }), mlops.Invalid, "name"},
		{"no such version", spec(modelID.Child(mlops.NounModelVersion, "7")), mlops.Invalid, `variants["main"].version`},
		{"version elsewhere", spec(foreign), mlops.Invalid, `variants["main"].version`},
		{"format", spec(strange), mlops.Invalid, `variants["main"].version`},
		{"environment", spec(version, func(s *mlops.ModelEndpointSpec, _ *mlops.Variant) { s.Environment = "local/nowhere" }), mlops.Invalid, "environment"},
		{"accelerator", spec(version, accelerator), mlops.Unsupported, `variants["main"].compute.accelerator`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			change, err := b.Create(t.Context(), tt.spec)
			e, ok := errors.AsType[*mlops.Error](err)
			if !ok || e.Code != tt.code || e.Field != tt.field {
				t.Errorf("error %v; want %s at %s", err, tt.code, tt.field)
			}
			if change.Ref != "" {
				t.Errorf("refused, with identity %q", change.Ref)
			}
		})
	}
}

func TestOwners(t *testing.T) {
	t.Parallel()
	b := started(t)
	s := spec(b.version("1", "one"))
	b.ready(s)
	if _, err := b.Create(api.WithOwner(t.Context(), "others"), s); mlops.CodeOf(err) != mlops.AlreadyExists {
		t.Errorf("another owner's create: %v", err)
	}
	first := b.wantModel("one")
	b.ready(s)
	if again := b.wantModel("one"); again != first {
		t.Errorf("a repeated create replaced server %d by %d", first, again)
	}
}

func TestVerbsOnWhatIsNotThere(t *testing.T) {
	t.Parallel()
	b := started(t)
	s := spec(b.version("1", "one"))
	_, err := b.Get(t.Context(), s.ID())
	if mlops.CodeOf(err) != mlops.NotFound {
		t.Errorf("get: %v", err)
	}
	if _, err = b.Update(t.Context(), s.ID(), s); mlops.CodeOf(err) != mlops.NotFound {
		t.Errorf("update: %v", err)
	}
	if err = b.Delete(t.Context(), s.ID()); mlops.CodeOf(err) != mlops.NotFound {
		t.Errorf("delete: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = b.Create(ctx, s); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled create: %v", err)
	}
}

func TestCrashedServerIsStartedAgain(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	b.ready(spec(b.id("1")))
	for _, path := range []string{"/exit", "/exit"} {
		first := b.wantModel("one")
		b.ask(path, "x")
		eventually(t, "another server answers", func() bool {
			_, model, pid := b.ask("", "x") // held until there is one
			return model == "one" && pid != first
		})
	}
	if o := b.get(spec(b.id("1")).ID()); o.Phase != mlops.PhaseReady {
		t.Errorf("%s because %q", o.Phase, o.Reason)
	}
}

func TestHungServerIsStartedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start(func(s *Service) { s.pace.probeTimeout = 200 * time.Millisecond })
	b.version("1", "one")
	b.ready(spec(b.id("1"), func(s *mlops.ModelEndpointSpec, _ *mlops.Variant) { s.Timeout = mlops.Duration(200 * time.Millisecond) }))
	first := b.wantModel("one")
	if status, _, _ := b.ask("/hang", "x"); status != http.StatusGatewayTimeout {
		t.Errorf("a server that hangs: %d", status)
	}
	eventually(t, "another server answers", func() bool {
		_, model, pid := b.ask("", "x")
		return model == "one" && pid != first
	})
}

func TestServerThatLeaksChildren(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	file := filepath.Join(t.TempDir(), "child")
	s := spec(b.id("1"), env("BEHAVIOUR", "leak"), env("CHILD", file))
	b.ready(s)
	b.wantModel("one")
	eventually(t, "the server has a child", func() bool { _, err := os.Stat(file); return err == nil })
	if n := len(b.servers()); n < 3 {
		t.Fatalf("%d processes; want the server and what it leaked", n)
	}
	b.remove(s.ID())
	b.noServers()
}

func TestPortOfAServerIsTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	busy, err := listenOn(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	var picks atomic.Int64
	b.start(func(s *Service) {
		s.pace.probeTimeout = 100 * time.Millisecond
		s.ports.pick = func(ctx context.Context) (int, error) {
			if picks.Add(1) == 1 {
				return portOf(busy.Addr()), nil
			}
			return freePort(ctx)
		}
	})
	b.version("1", "one")
	b.ready(spec(b.id("1")))
	b.wantModel("one")
	if picks.Load() < 2 {
		t.Error("the taken port was not replaced")
	}
}

func TestLimitsReachTheServer(t *testing.T) {
	t.Parallel()
	v := planned{name: "main", model: model{Format: custom, Path: "/m", Command: []string{"serve", "--port=$PORT", "${MODEL_PATH}"}}}
	v.share = mlops.Variant{Compute: &mlops.Compute{CPU: 1.5}, Env: map[string]string{"A": "b", "PORT": "1"}}
	l := launchOf("churn", v)
	vars := l.vars(pyenv.Env{}, 99)
	for name, want := range map[string]string{"OMP_NUM_THREADS": "2", "A": "b", "PORT": "99", "MODEL_PATH": "/m", "MODEL_NAME": "churn"} {
		if got := vars[name]; got != want {
			t.Errorf("%s=%q, want %q", name, got, want)
		}
	}
	args, err := l.args(pyenv.Env{}, "", 99)
	if d := cmp.Diff([]string{"serve", "--port=99", "/m"}, args); d != "" || err != nil {
		t.Errorf("arguments %v: %s", err, d)
	}
}

// TestDeletionDrains deletes an endpoint with a request in flight.
func TestDeletionDrains(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	s := spec(b.id("1"), env("DELAY", "500ms"))
	b.ready(s)
	got := make(chan string, 1)
	go func() {
		_, model, _ := b.ask("", "x")
		got <- model
	}()
	fleet := b.find(s.ID()).fleets()["main"]
	eventually(t, "the request is in flight", func() bool { return fleet.pool.Look().InFlight == 1 })
	b.remove(s.ID())
	if model := <-got; model != "one" {
		t.Errorf("the request in flight was answered by %q", model)
	}
}

func TestCaptureAndMetrics(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	s := spec(b.id("1"), func(s *mlops.ModelEndpointSpec, _ *mlops.Variant) { s.Capture = &mlops.Capture{SamplePercent: 100} })
	o := b.ready(s)
	b.wantModel("one")
	file := filepath.Join(o.Native["capture_directory"], gateway.CaptureFile)
	eventually(t, "the request is captured", func() bool {
		kept, err := os.ReadFile(file)
		return err == nil && strings.Contains(string(kept), `"version":"`+string(b.id("1"))+`"`)
	})
	_, page := request(t, "http://"+b.Address()+"/metrics", "")
	for _, want := range []string{
		`mlops_endpoint_requests_total{code="200",endpoint="churn",environment="dev",variant="main",version="local/dev/models/m/versions/1"} 1`,
		`mlops_endpoint_replicas{endpoint="churn",environment="dev",variant="main",version="local/dev/models/m/versions/1"} 1`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("metrics lack %s:\n%s", want, page)
		}
	}
}

func TestLogsAreKeptInBounds(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, make([]byte, largestLog), 0o600); err != nil {
		t.Fatal(err)
	}
	rotate(path)
	rotate(path) // a short one stays
	for file, want := range map[string]int64{path: 0, path + ".1": largestLog} {
		if info, err := os.Stat(file); err != nil || info.Size() != want {
			t.Errorf("%s: %v, %v; want %d bytes", file, info, err, want)
		}
	}
	e := &endpoint{dir: t.TempDir(), owned: map[string]bool{"main.x.live": true}}
	if err := os.MkdirAll(logDir(e.dir), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range keptLogs + 5 {
		name := fmt.Sprintf("main.x.%02d.log", i)
		if i == 0 {
			name = "main.x.live.log"
		}
		file := filepath.Join(logDir(e.dir), name)
		at := time.Unix(int64(1_000_000+i), 0)
		if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chtimes(file, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	e.pruneLogs()
	left, err := filepath.Glob(filepath.Join(logDir(e.dir), "*"))
	if err != nil || len(left) != keptLogs+1 || filepath.Base(left[len(left)-1]) != "main.x.live.log" || filepath.Base(left[0]) != "main.x.05.log" {
		t.Errorf("left %v, %v; want the live one and the newest %d", left, err, keptLogs)
	}
}
