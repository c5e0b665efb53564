package tfcli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	providerName = "terraform-provider-mlops"
	version      = "0.0.1" // of the provider in the filesystem mirror
	patience     = 10 * time.Minute
)

// CLI is a terraform or tofu with the built provider installed.
type CLI struct {
	Path     string // of the command
	Provider string // of the built provider
	config   string // CLI configuration file
}

// build is shared by all tests of a binary: the provider is built once.
var build = sync.OnceValues(func() (*CLI, error) {
	path, err := find()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "tfcli-")
	if err != nil {
		return nil, err
	}
	c := &CLI{Path: path, config: filepath.Join(dir, "cli.tfrc")}
	if c.Provider, err = provider(dir); err != nil {
		return nil, err
	}
	return c, c.install(dir)
})

// New returns the command under test: TF_ACC_TERRAFORM_PATH, else terraform or
// tofu from the PATH. The test fails if there is none.
func New(t *testing.T) *CLI {
	t.Helper()
	c, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func find() (string, error) {
	if path := os.Getenv("TF_ACC_TERRAFORM_PATH"); path != "" {
		return path, nil
	}
	for _, name := range []string{"terraform", "tofu"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no terraform or tofu on the PATH and TF_ACC_TERRAFORM_PATH is not set: run the tests with `make test`")
}

// provider builds the provider, or takes the one that MLOPS_PROVIDER_BINARY
// names, and returns its path.
func provider(dir string) (string, error) {
	if path := os.Getenv("MLOPS_PROVIDER_BINARY"); path != "" {
		return path, nil
	}
	path := filepath.Join(dir, providerName)
	cmd := exec.CommandContext(context.Background(), "go", "build", "-tags", "grpcnotrace", "-o", path, "github.com/terraform-mlops/terraform-provider-mlops")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the provider: %w\n%s", err, out)
	}
	return path, nil
}

// install puts the provider where init finds it offline, under the names of
// both registries.
func (c *CLI) install(dir string) error {
	mirror := filepath.Join(dir, "mirror")
	for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		platform := filepath.Join(mirror, host, "terraform-mlops", "mlops", version, runtime.GOOS+"_"+runtime.GOARCH)
		if err := os.MkdirAll(platform, 0o700); err != nil {
			return err
		}
		if err := os.Symlink(c.Provider, filepath.Join(platform, providerName+"_v"+version)); err != nil {
			return err
		}
	}
	text := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror)
	return os.WriteFile(c.config, []byte(text), 0o600)
}

// Result is what a command said.
type Result struct {
	Code int
	Out  string // standard output and error
}

// Contains fails the test unless the output has each of the words. Line breaks
// and the bars that Terraform draws around a message do not count.
func (r Result) Contains(t *testing.T, words ...string) {
	t.Helper()
	flat := flatten(r.Out)
	for _, w := range words {
		if !strings.Contains(flat, flatten(w)) {
			t.Errorf("the output lacks %q:\n%s", w, r.Out)
		}
	}
}

func flatten(s string) string {
	s = strings.NewReplacer("│", " ", "╷", " ", "╵", " ").Replace(s)
	return strings.Join(strings.Fields(s), " ")
}

// Workspace is a folder with a configuration, on an engine of its own.
type Workspace struct {
	Dir    string // of the configuration
	Engine string // the engine's directory
	cli    *CLI
	env    []string
	t      *testing.T
}

// Workspace makes an empty workspace. At the end of the test it is destroyed,
// its engine is stopped, and it fails the test if a process or an environment
// is left.
func (c *CLI) Workspace(t *testing.T) *Workspace {
	t.Helper()
	w := &Workspace{Dir: t.TempDir(), Engine: filepath.Join(t.TempDir(), "engine"), cli: c, t: t}
	t.Cleanup(w.close)
	return w
}

// Beside makes another workspace on the same engine.
func (w *Workspace) Beside(t *testing.T) *Workspace {
	t.Helper()
	return &Workspace{Dir: t.TempDir(), Engine: w.Engine, cli: w.cli, env: w.env, t: t}
}

// Setenv adds a variable, "NAME=value", to the environment of all commands.
func (w *Workspace) Setenv(v string) { w.env = append(w.env, v) }

// Write writes a file of the configuration.
func (w *Workspace) Write(name, content string) {
	w.t.Helper()
	path := filepath.Join(w.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// CopyConfig copies the files of a folder, except those to leave out, and
// returns their text.
func (w *Workspace) CopyConfig(folder string, leaveOut func(name string) bool) string {
	w.t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		w.t.Fatal(err)
	}
	var text strings.Builder
	for _, e := range entries {
		if leaveOut(e.Name()) || e.IsDir() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			w.t.Fatal(err)
		}
		w.Write(e.Name(), string(b))
		if filepath.Ext(e.Name()) == ".tf" {
			text.Write(b)
		}
	}
	return text.String()
}

// Configs are the names of the configuration's files.
func (w *Workspace) Configs() []string {
	w.t.Helper()
	paths, err := filepath.Glob(filepath.Join(w.Dir, "*.tf"))
	if err != nil {
		w.t.Fatal(err)
	}
	names := make([]string, len(paths))
	for i, path := range paths {
		names[i] = filepath.Base(path)
	}
	return names
}

// Rewrite changes the text of a file of the configuration.
func (w *Workspace) Rewrite(name string, change func(string) string) {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.Dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	w.Write(name, change(string(text)))
}

// CopyTree copies a folder with all that is below it.
func (w *Workspace) CopyTree(folder, to string) {
	w.t.Helper()
	if err := os.CopyFS(filepath.Join(w.Dir, to), os.DirFS(folder)); err != nil {
		w.t.Fatal(err)
	}
}

// Run runs one command and returns what it said, whatever its exit status.
func (w *Workspace) Run(args ...string) Result {
	w.t.Helper()
	cmd, out, cancel := w.command(args...)
	defer cancel()
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		w.t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return Result{Code: cmd.ProcessState.ExitCode(), Out: out.String()}
}

// EngineCommand runs a command of the provider's binary about the workspace's
// engine, and returns what it printed.
func (w *Workspace) EngineCommand(name string, args ...string) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.cli.Provider, append([]string{"engine", name, "-directory", w.Engine}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("engine %s: %v\n%s", name, err, said.String())
	}
	return string(out)
}

// Start starts a command without waiting for it.
func (w *Workspace) Start(args ...string) *Started {
	w.t.Helper()
	cmd, out, cancel := w.command(args...)
	if err := cmd.Start(); err != nil {
		cancel()
		w.t.Fatal(err)
	}
	s := &Started{cmd: cmd, out: out, done: make(chan struct{})}
	go func() {
		defer cancel()
		_ = cmd.Wait() // the exit status is in ProcessState
		close(s.done)
	}()
	return s
}

// Started is a command under way.
type Started struct {
	cmd  *exec.Cmd
	out  *bytes.Buffer
	done chan struct{}
}

// PID is the command's process.
func (s *Started) PID() int { return s.cmd.Process.Pid }

// Wait waits for the command's end.
func (s *Started) Wait() Result {
	<-s.done
	return Result{Code: s.cmd.ProcessState.ExitCode(), Out: s.out.String()}
}

func (w *Workspace) command(args ...string) (*exec.Cmd, *bytes.Buffer, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	cmd := exec.CommandContext(ctx, w.cli.Path, args...)
	cmd.Dir = w.Dir
	cmd.Env = append(os.Environ(),
		"TF_CLI_CONFIG_FILE="+w.cli.config, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_INPUT=0", "GOGC=off", "NO_COLOR=1",
		"TF_CLI_ARGS=-no-color", "MLOPS_LOCAL_DIRECTORY="+w.Engine)
	cmd.Env = append(cmd.Env, w.env...)
	cmd.WaitDelay = 10 * time.Second
	out := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out, cancel
}

// Must runs a command and fails the test unless it succeeds.
func (w *Workspace) Must(args ...string) Result {
	w.t.Helper()
	r := w.Run(args...)
	if r.Code != 0 {
		w.t.Fatalf("%s ended with status %d:\n%s", strings.Join(args, " "), r.Code, r.Out)
	}
	return r
}

// Init makes the folder ready for the other commands.
func (w *Workspace) Init() { w.t.Helper(); w.Must("init") }

// Apply applies, and fails the test unless that succeeds.
func (w *Workspace) Apply(args ...string) Result {
	w.t.Helper()
	return w.Must(append([]string{"apply", "-auto-approve"}, args...)...)
}

// ApplyFails applies, and fails the test unless that fails.
func (w *Workspace) ApplyFails(args ...string) Result {
	w.t.Helper()
	r := w.Run(append([]string{"apply", "-auto-approve"}, args...)...)
	if r.Code == 0 {
		w.t.Fatalf("apply succeeded:\n%s", r.Out)
	}
	return r
}

// PlanIsEmpty fails the test unless a plan has nothing to do.
func (w *Workspace) PlanIsEmpty() {
	w.t.Helper()
	if r := w.Run("plan", "-detailed-exitcode"); r.Code != 0 {
		w.t.Fatalf("the plan is not empty (status %d):\n%s", r.Code, r.Out)
	}
}

// PlanHasChanges fails the test unless a plan has something to do.
func (w *Workspace) PlanHasChanges(args ...string) Result {
	w.t.Helper()
	r := w.Run(append([]string{"plan", "-detailed-exitcode"}, args...)...)
	if r.Code != 2 {
		w.t.Fatalf("the plan has no changes (status %d):\n%s", r.Code, r.Out)
	}
	return r
}

// Destroy destroys everything, and fails the test unless that succeeds.
func (w *Workspace) Destroy() Result {
	w.t.Helper()
	return w.Must("destroy", "-auto-approve")
}

// Output returns an output value as plain text.
func (w *Workspace) Output(name string) string {
	w.t.Helper()
	cmd, out, cancel := w.command("output", "-raw", name)
	defer cancel()
	cmd.Stderr = nil
	if err := cmd.Run(); err != nil {
		w.t.Fatalf("output %s: %v", name, err)
	}
	return out.String()
}
