package local

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/client"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/enginetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow/mlflowtest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops/mlopstest"
)

// The first arguments with which this test binary is something else: a model
// server, or the provider's binary.
const (
	asModelServer = "serve-model"
	asEngine      = "engine"
)

// server is a real MLflow server, which all tests share.
var server mlflowtest.Server

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case asModelServer:
			serveModel()
		case asEngine:
			os.Exit(engine.Command(context.Background(), os.Args[2:], "dev"))
		}
	}
	// The engines of these tests are this binary's. One of another binary would
	// be taken for an upgrade, and would live on in a directory that is gone.
	if err := os.Unsetenv(client.ExecutableVariable); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := server.Close(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// serveModel answers everything with 200.
func serveModel() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err == nil {
		s := http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"predictions":[1]}`))
		})}
		err = s.Serve(listener)
	}
	_, _ = fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestConformance runs the suite through the wire, against engines in this
// process.
func TestConformance(t *testing.T) {
	t.Parallel()
	mlopstest.Run(t, mlopstest.Harness{Factory: Factory(), NewWorld: newWorld, Patience: 2 * time.Minute})
}

func newWorld(t *testing.T) mlopstest.World {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "engine")
	enginetest.Run(t, dir)
	return mlopstest.World{
		Open: func(t *testing.T, owner string) mlops.Backend {
			t.Helper()
			return openIn(t, dir, owner)
		},
		Command: []string{executable(t), asModelServer},
		Adapt:   atServer(server.URI(t)),
	}
}

func openIn(t *testing.T, dir, owner string) mlops.Backend {
	t.Helper()
	b, err := Factory().Open(t.Context(), mlops.Options{
		Settings: mlops.Settings{settingDirectory: dir, settingSMTP: "smtp://127.0.0.1:2525?from=mlops@example.com"}, Owner: owner, Version: "dev",
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func executable(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestBinary takes an environment through its life by an engine that is started
// as users have it started: as a process of its own.
func TestBinary(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "engine")
	b := openIn(t, dir, "us")
	environments := b.Environments()
	spec := mlops.EnvironmentSpec{
		ID: "local/e", Name: "e", Stage: "dev", Target: mlops.Target{Backend: name, Settings: mlops.Settings{}},
	}
	if _, err := environments.Get(t.Context(), spec.ID); b.Code(err) != mlops.NotFound {
		t.Errorf("get before anything is there: %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a look made the engine's directory")
	}
	t.Cleanup(func() {
		stopped, err := client.Stop(context.Background(), client.Options{Directory: dir, Version: "dev"})
		if err != nil || !stopped {
			t.Errorf("stop: %t, %v", stopped, err)
		}
	})
	if _, err := environments.Create(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	if seen, err := environments.Get(t.Context(), spec.ID); err != nil || seen.Phase != mlops.PhaseReady {
		t.Errorf("get: %v, %v", seen, err)
	}
	if err := environments.Delete(t.Context(), spec.ID); err != nil {
		t.Error(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
