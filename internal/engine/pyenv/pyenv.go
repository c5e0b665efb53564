package pyenv

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sync/singleflight"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	lockRetry   = 200 * time.Millisecond // how often a lock that another engine holds is tried
	killDelay   = 5 * time.Second        // from cancellation to kill of an installer
	reasonLines = 15                     // of an installer's output in an error
)

// Builder makes environments below one directory. It is safe for concurrent use,
// also with other processes on the same directory.
type Builder struct {
	python string
	dir    string
	log    *slog.Logger
	flight singleflight.Group

	interpreter func() (string, error)
}

// New returns a builder that uses an interpreter ("" is python3 from the PATH)
// and keeps environments in a directory.
func New(python, dir string, log *slog.Logger) *Builder {
	if python == "" {
		python = "python3"
	}
	b := &Builder{python: python, dir: dir, log: log}
	b.interpreter = sync.OnceValues(b.identify)
	return b
}

// Env is a complete environment, or the plain interpreter.
type Env struct {
	Dir    string // "" for the plain interpreter
	Digest string // of interpreter and packages
	python string
}

// Python is the path of the environment's interpreter.
func (e Env) Python() string { return e.python }

// Vars are the variables that make a program use the environment, given the
// PATH it would have had.
func (e Env) Vars(path string) []string {
	if e.Dir == "" {
		return []string{"PATH=" + path}
	}
	return []string{
		"VIRTUAL_ENV=" + e.Dir,
		"PATH=" + filepath.Join(e.Dir, "bin") + string(os.PathListSeparator) + path,
	}
}

// Ensure returns an environment with the packages (pip requirements), building
// it if need be. No packages give the plain interpreter. The error of a failed
// build has the installer's last lines and code Invalid, as the same
// requirements would fail again.
func (b *Builder) Ensure(ctx context.Context, packages []string) (Env, error) {
	identity, err := b.interpreter()
	if err != nil {
		return Env{}, err
	}
	python, _, _ := strings.Cut(identity, "\n")
	sorted := slices.Compact(slices.Sorted(slices.Values(packages)))
	sum := sha256.Sum256([]byte(identity + "\n" + strings.Join(sorted, "\n")))
	e := Env{Digest: hex.EncodeToString(sum[:]), python: python}
	if len(sorted) == 0 {
		return e, nil
	}
	if found, ok := b.find(e); ok {
		return found, nil
	}
	result := b.flight.DoChan(e.Digest, func() (any, error) {
		// One caller's cancellation must not fail the others'.
		return b.build(context.WithoutCancel(ctx), e, sorted)
	})
	select {
	case r := <-result:
		e, _ = r.Val.(Env)
		return e, r.Err
	case <-ctx.Done():
		return Env{}, ctx.Err()
	}
}

// identify returns the interpreter's path and what else tells environments
// apart: its version and platform.
func (b *Builder) identify() (string, error) {
	// No context: the answer is kept for all later callers.
	out, err := exec.CommandContext(context.Background(), b.python, "-c", "import sys, sysconfig; print(sys.executable, sys.version, sysconfig.get_platform(), sep='\\n')").Output()
	if err != nil {
		return "", mlops.NewError(mlops.Invalid, fmt.Errorf("the Python interpreter %q does not work: %w; install Python 3.10 or newer, or name one in the provider's local.python", b.python, err))
	}
	return strings.TrimSpace(string(out)), nil
}

// build makes the environment under a lock that other processes respect.
func (b *Builder) build(ctx context.Context, e Env, packages []string) (built Env, err error) {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return Env{}, err
	}
	lock := flock.New(filepath.Join(b.dir, e.short()+".lock"))
	if _, err := lock.TryLockContext(ctx, lockRetry); err != nil {
		return Env{}, fmt.Errorf("lock %s: %w", lock.Path(), err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if found, ok := b.find(e); ok {
		return found, nil
	}
	b.removeIncomplete(e)
	// A new folder each time: the installer of an engine that was killed may go on in
	// the former one. It keeps its name, for programs in it begin with their path.
	dir, err := os.MkdirTemp(b.dir, e.short()+"-")
	if err != nil {
		return Env{}, err
	}
	if err := b.install(ctx, e.python, e.at(dir), packages); err != nil {
		return Env{}, errors.Join(err, os.RemoveAll(dir))
	}
	return e.at(dir), nil
}

// install fills an environment's folder, and marks it when it is complete.
func (b *Builder) install(ctx context.Context, python string, e Env, packages []string) error {
	started := time.Now()
	b.log.Info("building Python environment", "directory", e.Dir, "packages", packages)
	for _, command := range commands(e, python, packages) {
		if err := b.run(ctx, command); err != nil {
			return err
		}
	}
	b.log.Info("built Python environment", "directory", e.Dir, "took", time.Since(started))
	return os.WriteFile(filepath.Join(e.Dir, marker), []byte(strings.Join(packages, "\n")+"\n"), 0o600)
}

// commands are what makes an environment, with uv or with what Python brings.
func commands(e Env, python string, packages []string) [][]string {
	if uv, err := exec.LookPath("uv"); err == nil {
		return [][]string{
			{uv, "venv", "--quiet", "--python", python, e.Dir},
			append([]string{uv, "pip", "install", "--quiet", "--python", e.Python(), "--"}, packages...),
		}
	}
	return [][]string{
		{python, "-m", "venv", e.Dir},
		append([]string{e.Python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--"}, packages...),
	}
}

func (b *Builder) run(ctx context.Context, command []string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.WaitDelay = killDelay
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if err == nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	tail := strings.Join(lines[max(0, len(lines)-reasonLines):], "\n")
	return mlops.NewError(mlops.Invalid, fmt.Errorf("installing Python packages failed (%w):\n%s", err, tail))
}
