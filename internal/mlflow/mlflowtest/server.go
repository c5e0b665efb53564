package mlflowtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv/pyenvtest"
)

// Package is the MLflow that is installed: the server, with its own authentication,
// and the client.
const Package = "mlflow[auth]==3.17.2"

// Admin is the user that a guarded server has from its start.
const Admin = "admin"

// patience is how long a server may take to start, and to end.
const patience = 3 * time.Minute

// keep runs a server in a group of its own, and ends it with its standard
// input: also when this binary is killed.
const keep = `
import os, signal, subprocess, sys
server = subprocess.Popen([sys.executable, "-m", "mlflow", "server", *sys.argv[1:]], stdin=subprocess.DEVNULL, start_new_session=True)
sys.stdin.read()
os.killpg(server.pid, signal.SIGTERM)
try:
    server.wait(20)
except subprocess.TimeoutExpired:
    os.killpg(server.pid, signal.SIGKILL)
`

// Server is one MLflow server, which starts when it is first needed and is shared
// by the tests of a binary. Its zero value is ready.
type Server struct {
	once sync.Once
	err  error

	directory string
	python    string // interpreter with MLflow; "" is made
	password  string // of Admin; "" lets everybody in
	port      string
	uri       string
	log       string
	input     io.Closer
	ended     chan error

	client interpreter
}

// URI starts the server if need be, and returns its address.
func (s *Server) URI(t testing.TB) string {
	t.Helper()
	uri, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	return uri
}

// Open is URI without a test.
func (s *Server) Open() (string, error) {
	s.once.Do(func() { s.err = s.start() })
	return s.uri, s.err
}

// Close ends the server and removes what it kept; TestMain calls it at last.
func (s *Server) Close() error {
	if s.directory == "" {
		return nil
	}
	return errors.Join(s.client.close(), s.Stop(), os.RemoveAll(s.directory))
}

// Another is a server of its own, of the same installation, for a test that stops it.
// It ends with the test.
func (s *Server) Another(t testing.TB) *Server {
	t.Helper()
	s.URI(t)
	other := &Server{python: s.python}
	t.Cleanup(func() {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	})
	return other
}

// Guarded is Another that lets in those whom MLflow's own authentication knows: Admin,
// with a password.
func (s *Server) Guarded(t testing.TB, password string) *Server {
	t.Helper()
	other := s.Another(t)
	other.password = password
	return other
}

// Stop ends the server's process, if it runs. What it kept stays.
func (s *Server) Stop() error {
	if s.input == nil {
		return nil
	}
	err := errors.Join(s.input.Close(), <-s.ended)
	s.input = nil
	return err
}

// Start starts a server that was stopped, at the same address.
func (s *Server) Start() error {
	if err := s.run(); err != nil {
		return err
	}
	return s.ready()
}

// Python runs a program that uses the server as MLflow's own client does, and
// returns what it left in out. It finds mlflow imported, and its arguments in args.
func (s *Server) Python(t testing.TB, program string, args ...string) map[string]any {
	t.Helper()
	uri := s.URI(t)
	out, err := s.client.run(func() *exec.Cmd {
		cmd := exec.CommandContext(context.Background(), s.python, "-c", interpret)
		cmd.Dir = s.directory
		cmd.Env = append(environment(s.directory), "MLFLOW_TRACKING_URI="+uri, "MLFLOW_REGISTRY_URI="+uri)
		return cmd
	}, program, args)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// environment is that of a program, without settings of the user's for MLflow.
func environment(home string) []string {
	out := []string{"MLFLOW_DISABLE_TELEMETRY=true", "DO_NOT_TRACK=true", "GIT_PYTHON_REFRESH=quiet", "HOME=" + home}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MLFLOW_") && !strings.HasPrefix(v, "HOME=") {
			out = append(out, v)
		}
	}
	return out
}

func (s *Server) start() error {
	var err error
	if s.directory, err = os.MkdirTemp("", "mlflow-"); err != nil {
		return err
	}
	if s.python == "" {
		if err := s.install(); err != nil {
			return err
		}
	}
	if s.port, err = freePort(); err != nil {
		return err
	}
	s.uri = "http://127.0.0.1:" + s.port
	return s.Start()
}

func (s *Server) install() error {
	env, err := pyenvtest.Ensure(context.Background(), Package)
	if err != nil {
		return err
	}
	s.python = env.Python()
	return nil
}

func (s *Server) run() error {
	s.log = filepath.Join(s.directory, "log")
	log, err := os.Create(s.log)
	if err != nil {
		return err
	}
	args := []string{
		"-c", keep,
		"--host", "127.0.0.1", "--port", s.port, "--workers", "1",
		"--backend-store-uri", "sqlite:///" + filepath.Join(s.directory, "records.db"),
		"--artifacts-destination", filepath.Join(s.directory, "artifacts"),
	}
	env := append(environment(s.directory), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false") // ten processes that a registry does not need
	if s.password != "" {
		args = append(args, "--app-name", "basic-auth")
		env = append(env, "MLFLOW_AUTH_ADMIN_PASSWORD="+s.password, "MLFLOW_FLASK_SERVER_SECRET_KEY=of-a-test")
	}
	cmd := exec.CommandContext(context.Background(), s.python, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.directory, log, log
	cmd.Env = env
	if s.input, err = cmd.StdinPipe(); err != nil {
		return errors.Join(err, log.Close())
	}
	if err := cmd.Start(); err != nil {
		s.input = nil
		return errors.Join(err, log.Close())
	}
	s.ended = make(chan error, 1)
	go func() { s.ended <- errors.Join(cmd.Wait(), log.Close()) }()
	return nil
}

// ready asks until the server answers.
func (s *Server) ready() error {
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		resp, err := http.Get(s.uri + "/health") //nolint:noctx // of our own server
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(s.log)
			return fmt.Errorf("MLflow does not start: %w\n%s", err, said)
		}
	}
}

func freePort() (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}
