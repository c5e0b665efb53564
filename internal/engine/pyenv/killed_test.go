package pyenv

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Where the builder that is killed finds its interpreter and its directory.
const (
	victimPython    = "PYENV_TEST_PYTHON"
	victimDirectory = "PYENV_TEST_DIRECTORY"
)

// TestVictim is the program that TestKilledInstallation kills; by itself it has nothing
// to do.
func TestVictim(t *testing.T) {
	t.Parallel()
	if python := os.Getenv(victimPython); python != "" {
		ensure(t, python, os.Getenv(victimDirectory), "numpy==2")
	}
}

// TestKilledInstallation proves that an installer which outlives its killed engine, and
// goes on writing, spoils nothing for the next engine.
//
//nolint:paralleltest // it says what is on the PATH
func TestKilledInstallation(t *testing.T) {
	t.Setenv("PATH", "/usr/bin:/bin") // no uv there
	scratch, dir := t.TempDir(), t.TempDir()
	python := endlessInstaller(t, scratch)
	victim := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$")
	victim.Env = append(os.Environ(), victimPython+"="+python, victimDirectory+"="+dir)
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, filepath.Join(scratch, "installing"))
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // it was killed

	e, err := New(python, dir, slog.New(slog.DiscardHandler)).Ensure(t.Context(), []string{"numpy==2"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadDir(filepath.Join(e.Dir, "lib")); err == nil {
		t.Errorf("the environment has %d files of the killed installation", len(got))
	}
	if again := ensure(t, python, dir, "numpy==2"); again != e {
		t.Errorf("the next call gives %+v, want %+v", again, e)
	}
	if err := os.WriteFile(filepath.Join(scratch, "stop"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	waitFor(t, filepath.Join(scratch, "stopped"))
}

// endlessInstaller is an interpreter whose first installation goes on until it is told
// to stop; later ones end at once.
func endlessInstaller(t *testing.T, scratch string) (path string) {
	t.Helper()
	path = filepath.Join(scratch, "python")
	script := fmt.Sprintf(`#!/bin/sh
cd %[1]q
case "$1 $2" in
"-m venv") mkdir -p "$3/bin" && cp python "$3/bin/python" ;;
"-m pip")
  [ -e installing ] && exit 0
  exec >/dev/null 2>&1 # nobody listens when the engine is gone
  lib=$(dirname "$0")/../lib n=0
  until [ -e stop ] || [ ! -e python ]; do
    mkdir -p "$lib" && echo >"$lib/$n"
    n=$((n + 1))
    [ $n = 100 ] && : >installing
  done
  : >stopped ;;
*) printf '%%s\n' %[1]q/python 3.12.1 test ;;
esac
`, scratch)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// waitFor waits until a file is there, or the test's time is over.
func waitFor(t *testing.T, path string) {
	t.Helper()
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%s is not there", path)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
