package pyenv

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// small is a package without dependencies, quick to install.
var small = []string{"six==1.17.0"}

func TestNoPackagesIsThePlainInterpreter(t *testing.T) {
	t.Parallel()
	e, err := New("", t.TempDir(), slog.New(slog.DiscardHandler)).Ensure(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if e.Dir != "" || e.Vars("/bin")[0] != "PATH=/bin" {
		t.Errorf("got %+v", e)
	}
	if err := exec.Command(e.Python(), "-c", "pass").Run(); err != nil {
		t.Error(err)
	}
}

func TestEnsureBuildsOnceForAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wg sync.WaitGroup
	envs := make([]Env, 6)
	for i := range envs {
		wg.Go(func() {
			// Two builders stand for two engines that share the cache.
			b := New("", dir, slog.New(slog.DiscardHandler))
			var err error
			if envs[i], err = b.Ensure(t.Context(), small); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, e := range envs {
		if e != envs[0] {
			t.Errorf("environments differ: %+v and %+v", e, envs[0])
		}
	}
	out, err := exec.Command(envs[0].Python(), "-c", "import six; print(six.__version__)").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "1.17.0" {
		t.Errorf("import says %s, %v", out, err)
	}
	made, err := filepath.Glob(filepath.Join(dir, "*", ".complete"))
	if err != nil || len(made) != 1 {
		t.Errorf("environments made: %v, %v", made, err)
	}
}

func TestInterruptedBuildIsRepeated(t *testing.T) {
	t.Parallel()
	b := New("", t.TempDir(), slog.New(slog.DiscardHandler))
	e, err := b.Ensure(t.Context(), small)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(filepath.Join(e.Dir, marker)), os.Remove(e.Python())); err != nil {
		t.Fatal(err)
	}
	e, err = b.Ensure(t.Context(), small)
	if err != nil {
		t.Fatal(err)
	}
	if err := exec.Command(e.Python(), "-c", "import six").Run(); err != nil {
		t.Error(err)
	}
}

func TestFailedInstall(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := New("", dir, slog.New(slog.DiscardHandler)).Ensure(t.Context(), []string{"six==0.0.0.no.such"})
	if mlops.CodeOf(err) != mlops.Invalid || !strings.Contains(err.Error(), "no.such") {
		t.Errorf("error %v; want the installer's words", err)
	}
	left, globErr := filepath.Glob(filepath.Join(dir, "*", "bin"))
	if globErr != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, globErr)
	}
}

func TestNoInterpreter(t *testing.T) {
	t.Parallel()
	_, err := New("/no/such/python", t.TempDir(), slog.New(slog.DiscardHandler)).Ensure(t.Context(), small)
	if mlops.CodeOf(err) != mlops.Invalid || !strings.Contains(err.Error(), "local.python") {
		t.Errorf("error %v", err)
	}
}

func TestCancelledWaitEnds(t *testing.T) {
	t.Parallel()
	b := New("", t.TempDir(), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Ensure(ctx, small); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := b.Ensure(t.Context(), small); err != nil { // the build itself went on
		t.Error(err)
	}
}
