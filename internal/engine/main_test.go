package engine_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/client"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// patience is how long anything may take on a busy machine.
const patience = 2 * time.Minute

// asModelServer is the first argument with which this test binary is a model
// server. With "engine" it is the provider's binary, of the version that its
// own file is named after.
const asModelServer = "serve-model"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case asModelServer:
			serveModel()
		case "engine":
			os.Exit(engine.Command(context.Background(), os.Args[2:], ownVersion()))
		}
	}
	os.Exit(m.Run())
}

// ownVersion reads "engine-1.2.3" as 1.2.3, and anything else as dev.
func ownVersion() string {
	if version, ok := strings.CutPrefix(filepath.Base(os.Args[0]), "engine-"); ok {
		return version
	}
	return "dev"
}

func serveModel() {
	s := http.Server{
		Addr: "127.0.0.1:" + os.Getenv("PORT"), ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }),
	}
	_ = s.ListenAndServe()
	os.Exit(1)
}

// self is the path of this test binary.
func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// inNewDirectory returns options for an engine of its own, which is ended with
// the test.
func inNewDirectory(t *testing.T) client.Options {
	t.Helper()
	o := client.Options{
		Directory: filepath.Join(t.TempDir(), "engine"), Version: "dev", Executable: self(t),
		Owner: "us", IdleExit: time.Hour,
	}
	t.Cleanup(func() { end(t, o) })
	return o
}

// end stops the engine of a directory, if one runs.
func end(t *testing.T, o client.Options) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := client.Stop(ctx, o); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// ensure insists on a running engine.
func ensure(t *testing.T, o client.Options) api.Engine {
	t.Helper()
	e, err := client.Ensure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func connect(t *testing.T, o client.Options) *client.Client {
	t.Helper()
	c, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// kill ends a process without asking, and waits until it is gone.
func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, "the killed process is still there", func() bool { return !alive(pid) })
}

func alive(pid int) bool {
	p, err := process.NewProcess(int32(pid))
	if err != nil {
		return false
	}
	status, err := p.Status()
	return err == nil && !slices.Contains(status, process.Zombie)
}

// processesOf lists the command lines of the processes that have to do with a
// directory.
func processesOf(t *testing.T, dir string) []string {
	t.Helper()
	all, err := process.Processes()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, p := range all {
		line, err := p.Cmdline()
		if err == nil && strings.Contains(line, dir) && alive(int(p.Pid)) {
			found = append(found, line)
		}
	}
	return found
}

func await(t *testing.T, complaint string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(complaint)
		}
	}
}

func wantCode(t *testing.T, err error, want mlops.Code, words ...string) {
	t.Helper()
	if got := mlops.CodeOf(err); got != want {
		t.Errorf("code %q (%v), want %q", got, err, want)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}

func environmentSpec(name string) mlops.EnvironmentSpec {
	return mlops.EnvironmentSpec{
		ID: mlops.EnvironmentID("local", nil, name), Name: name, Stage: "dev",
		Target: mlops.Target{Backend: "local", Settings: mlops.Settings{}},
	}
}

// made creates an object and waits until it is ready.
func made[S, T any](t *testing.T, k client.Kind[S, T], spec S) mlops.ID {
	t.Helper()
	c, err := k.Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	await(t, string(c.Ref)+" is never ready", func() bool {
		seen, err := k.Get(t.Context(), c.Ref)
		if err != nil {
			t.Fatal(err)
		}
		if seen.Phase == mlops.PhaseFailed {
			t.Fatal(seen.Reason)
		}
		return seen.Phase == mlops.PhaseReady
	})
	return c.Ref
}

// gone deletes an object and waits until it is.
func gone[S, T any](t *testing.T, k client.Kind[S, T], id mlops.ID) {
	t.Helper()
	if err := k.Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	await(t, string(id)+" is never gone", func() bool {
		_, err := k.Get(t.Context(), id)
		if err != nil && mlops.CodeOf(err) != mlops.NotFound {
			t.Fatal(errors.Join(err))
		}
		return err != nil
	})
}
