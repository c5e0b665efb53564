package serving

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	patience    = time.Minute
	environment = mlops.ID("local/dev")
	modelID     = mlops.ID("local/dev/models/m")
)

// bench is a service on a directory of its own, with an environment and
// versions.
type bench struct {
	*Service

	t     *testing.T
	root  string
	store *store.Store
}

// testKeys makes tokens without a key.
type testKeys struct{}

func (testKeys) Token(id, salt string) string { return mlops.DigestOf([]string{id, salt}) }

func quickPace() pace {
	p := ordinaryPace()
	p.probeTimeout, p.health = 2*time.Second, 50*time.Millisecond
	p.restartFirst, p.restartSlowest = 10*time.Millisecond, 100*time.Millisecond
	p.grace, p.retry = 2*time.Second, 50*time.Millisecond
	p.figures, p.clock, p.save = 10*time.Millisecond, 20*time.Millisecond, 50*time.Millisecond
	p.scale, p.scaleUp, p.scaleDown = 20*time.Millisecond, 100*time.Millisecond, 300*time.Millisecond
	return p
}

// newBench makes the directory and its store, without starting the service.
func newBench(t *testing.T) *bench {
	t.Helper()
	root := t.TempDir()
	db, err := store.Open(t.Context(), layout.Layout{Root: root}.Database())
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, root: root, store: db}
	t.Cleanup(func() {
		b.suspend()
		_ = db.Close()
	})
	spec := mlops.EnvironmentSpec{ID: environment, Name: "dev", Stage: "dev"}
	put(b, db.Environments(), environment, spec, mlops.EnvironmentStatus{})
	return b
}

// started is newBench with the service started.
func started(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.start()
	return b
}

// picked are the ports that services of this binary gave to servers, by whether: each
// service knows its own alone, and a server that never listens leaves its port to others.
var picked sync.Map //nolint:gochecknoglobals // ports are the machine's

// unpicked is a free port that no service of this binary was given before.
func unpicked(ctx context.Context) (int, error) {
	for {
		port, err := freePort(ctx)
		if _, known := picked.LoadOrStore(port, true); err != nil || !known {
			return port, err
		}
	}
}

// start starts a service on the directory, as an engine does.
func (b *bench) start(change ...func(*Service)) {
	b.t.Helper()
	s := New(Config{
		Store: b.store, Layout: layout.Layout{Root: b.root},
		Python: pyenv.New("", filepath.Join(b.root, "venvs"), slog.New(slog.DiscardHandler)),
		Log:    slog.New(slog.NewTextHandler(b.t.Output(), nil)),
		Keys:   testKeys{},
	})
	s.pace, s.ports.pick = quickPace(), unpicked
	for _, f := range change {
		f(s)
	}
	if err := s.Start(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	b.Service = s
}

func (b *bench) close() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		b.t.Fatalf("close: %v", err)
	}
	b.Service = nil
}

func (b *bench) suspend() {
	b.t.Helper()
	if b.Service == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.Suspend(ctx); err != nil {
		b.t.Errorf("suspend: %v", err)
	}
	b.Service = nil
}

func put[S, T any](b *bench, table store.Table[S, T], id mlops.ID, spec S, status T) {
	b.t.Helper()
	r := store.Record[S, T]{ID: id, Spec: spec, Revision: mlops.DigestOf(spec), Status: status, Phase: mlops.PhaseReady}
	if err := table.Insert(b.t.Context(), r, nil); err != nil {
		b.t.Fatal(err)
	}
}

// version registers bytes that the test binary serves.
func (b *bench) version(name, content string) mlops.ID {
	b.t.Helper()
	dir := filepath.Join(b.root, "blobs", name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.t.Fatal(err)
	}
	path := filepath.Join(dir, "model")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		b.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	id := modelID.Child(mlops.NounModelVersion, name)
	spec := mlops.ModelVersionSpec{Model: modelID, Format: custom, Command: []string{"env", roleVariable + "=server", self}}
	put(b, b.store.Versions(), id, spec, mlops.ModelVersionStatus{Digest: mlops.DigestOf(content), URI: "file://" + path})
	return id
}

// endpoint is a spec with one variant.
func spec(version mlops.ID, change ...func(*mlops.ModelEndpointSpec, *mlops.Variant)) mlops.ModelEndpointSpec {
	v := mlops.Variant{Version: version, Traffic: 100, Env: map[string]string{}}
	s := mlops.ModelEndpointSpec{Environment: environment, Name: "churn", Labels: map[string]string{}}
	for _, f := range change {
		f(&s, &v)
	}
	s.Variants = map[string]mlops.Variant{"main": v}
	return s
}

func env(name, value string) func(*mlops.ModelEndpointSpec, *mlops.Variant) {
	return func(_ *mlops.ModelEndpointSpec, v *mlops.Variant) { v.Env[name] = value }
}

func scaling(low, high, concurrency int64, idle time.Duration) func(*mlops.ModelEndpointSpec, *mlops.Variant) {
	return func(_ *mlops.ModelEndpointSpec, v *mlops.Variant) {
		v.Scaling = &mlops.Scaling{Min: &low, Max: &high, Concurrency: &concurrency, IdleAfter: mlops.Duration(idle)}
	}
}

// apply creates or changes an endpoint and waits until it is settled.
func (b *bench) apply(s mlops.ModelEndpointSpec) Observed {
	b.t.Helper()
	b.accept(s)
	return b.settled(s.ID())
}

func (b *bench) accept(s mlops.ModelEndpointSpec) mlops.Change {
	b.t.Helper()
	change, err := b.Create(api.WithOwner(b.t.Context(), "us"), s)
	if err != nil {
		b.t.Fatalf("create: %v", err)
	}
	return change
}

func (b *bench) settled(id mlops.ID) Observed {
	b.t.Helper()
	var o Observed
	eventually(b.t, "the endpoint is settled", func() bool {
		o = b.get(id)
		return o.Phase != mlops.PhasePending
	})
	return o
}

func (b *bench) get(id mlops.ID) Observed {
	b.t.Helper()
	o, err := b.Get(b.t.Context(), id)
	if err != nil {
		b.t.Fatalf("get: %v", err)
	}
	return o
}

// ready is apply for a change that must succeed.
func (b *bench) ready(s mlops.ModelEndpointSpec) Observed {
	b.t.Helper()
	o := b.apply(s)
	if o.Phase != mlops.PhaseReady || o.Revision != mlops.DigestOf(s) || o.Reason != "" {
		b.t.Fatalf("%s at %s because %q; want ready at %s", o.Phase, o.Revision, o.Reason, mlops.DigestOf(s))
	}
	return o
}

// ask makes a request of the endpoint and returns the status, which model
// answered, and the process that did.
func (b *bench) ask(path, body string) (status int, model string, pid int32) {
	b.t.Helper()
	status, answer := request(b.t, "http://"+b.Address()+"/dev/churn"+path, body)
	fields := strings.Fields(answer)
	if status != http.StatusOK || len(fields) < 2 {
		return status, answer, 0
	}
	n, err := strconv.ParseInt(fields[1], 10, 32)
	if err != nil {
		b.t.Fatalf("answer %q", answer)
	}
	return status, fields[0], int32(n)
}

func request(t *testing.T, url, body string) (status int, answer string) {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true // the gateway may be another one at the same address by the next request
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(got)
}

func (b *bench) wantModel(want string) int32 {
	b.t.Helper()
	status, model, pid := b.ask("", "x")
	if status != http.StatusOK || model != want {
		b.t.Fatalf("status %d from %q; want %q to answer", status, model, want)
	}
	return pid
}

// remove deletes the endpoint and waits until it is gone.
func (b *bench) remove(id mlops.ID) {
	b.t.Helper()
	if err := b.Delete(b.t.Context(), id); err != nil {
		b.t.Fatalf("delete: %v", err)
	}
	eventually(b.t, "the endpoint is gone", func() bool {
		_, err := b.Get(b.t.Context(), id)
		return mlops.CodeOf(err) == mlops.NotFound
	})
}

// servers lists the processes that serve from the bench's directory.
func (b *bench) servers() []int32 {
	b.t.Helper()
	all, err := process.Processes()
	if err != nil {
		b.t.Fatal(err)
	}
	var found []int32
	for _, p := range all {
		vars, err := p.Environ()
		if err != nil || !running(p.Pid) {
			continue
		}
		for _, v := range vars {
			if strings.HasPrefix(v, "MODEL_PATH="+b.root) {
				found = append(found, p.Pid)
			}
		}
	}
	return found
}

// noServers waits for the last processes that were killed to be gone.
func (b *bench) noServers() {
	b.t.Helper()
	eventually(b.t, "no server is left", func() bool { return len(b.servers()) == 0 })
}

func running(pid int32) bool {
	p, err := process.NewProcess(pid)
	if err != nil {
		return false
	}
	s, err := p.Status()
	return err == nil && len(s) == 1 && s[0] != process.Zombie
}

// eventually polls until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}
