package pyenv

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fakePython writes an interpreter that answers for itself, "makes" virtual
// environments that are copies of it, and logs what it was told to install.
func fakePython(t *testing.T, version string) (path, log string) {
	t.Helper()
	dir := t.TempDir()
	path, log = filepath.Join(dir, "python"), filepath.Join(dir, "log")
	script := fmt.Sprintf(`#!/bin/sh
case "$1 $2" in
"-m venv") mkdir -p "$3/bin" && cp %[1]q "$3/bin/python" ;;
"-m pip") echo "$@" >>%[2]q ;;
*) printf '%%s\n' %[1]q %[3]q test ;;
esac
`, path, log, version)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path, log
}

func ensure(t *testing.T, python, dir string, packages ...string) Env {
	t.Helper()
	e, err := New(python, dir, slog.New(slog.DiscardHandler)).Ensure(t.Context(), packages)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func installs(t *testing.T, log string) []string {
	t.Helper()
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

func TestWhatTellsEnvironmentsApart(t *testing.T) {
	t.Setenv("PATH", "/usr/bin:/bin") // no uv there
	dir := t.TempDir()
	python, log := fakePython(t, "3.12.1")
	one := ensure(t, python, dir, "pandas==2", "numpy==2")
	for _, same := range [][]string{{"numpy==2", "pandas==2"}, {"pandas==2", "numpy==2", "pandas==2"}} {
		if got := ensure(t, python, dir, same...); got != one {
			t.Errorf("%v gave another environment than their sorted set", same)
		}
	}
	if got := installs(t, log); len(got) != 1 {
		t.Errorf("installed %d times: %v", len(got), got)
	}
	if got := ensure(t, python, dir, "numpy==2"); got == one {
		t.Error("other packages gave the same environment")
	}
	newer, _ := fakePython(t, "3.13.0")
	if got := ensure(t, newer, dir, "pandas==2", "numpy==2"); got == one {
		t.Error("another interpreter gave the same environment")
	}
}

func TestRequirementIsNeverAnOption(t *testing.T) {
	t.Setenv("PATH", "/usr/bin:/bin")
	python, log := fakePython(t, "3.12.1")
	ensure(t, python, t.TempDir(), "--index-url=http://127.0.0.1:1")
	words := strings.Fields(installs(t, log)[0])
	if end := slices.Index(words, "--"); end < 0 || end > slices.Index(words, "--index-url=http://127.0.0.1:1") {
		t.Errorf("pip was called with %v: a requirement could be taken for an option", words)
	}
}

func TestUVIsUsedWhereItIs(t *testing.T) {
	bin := t.TempDir()
	log := filepath.Join(bin, "log")
	python, _ := fakePython(t, "3.12.1")
	uv := fmt.Sprintf("#!/bin/sh\necho \"$@\" >>%q\nfor last; do :; done\nif [ \"$1\" = venv ]; then mkdir -p \"$last/bin\" && cp %q \"$last/bin/python\"; fi\n", log, python)
	if err := os.WriteFile(filepath.Join(bin, "uv"), []byte(uv), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	e := ensure(t, python, t.TempDir(), "numpy==2")
	got := installs(t, log)
	if len(got) != 2 || !strings.HasPrefix(got[0], "venv ") || !strings.HasPrefix(got[1], "pip install ") || !strings.HasSuffix(got[1], "-- numpy==2") {
		t.Errorf("uv was called with %q", got)
	}
	if vars := e.Vars("/bin"); vars[0] != "VIRTUAL_ENV="+e.Dir || vars[1] != "PATH="+filepath.Join(e.Dir, "bin")+":/bin" {
		t.Errorf("variables %v", vars)
	}
}

func TestOneCancelledCallerDoesNotFailTheOthers(t *testing.T) {
	t.Setenv("PATH", "/usr/bin:/bin")
	python, _ := fakePython(t, "3.12.1")
	b := New(python, t.TempDir(), slog.New(slog.DiscardHandler))
	cancelled, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := b.Ensure(cancelled, []string{"numpy==2"})
		done <- err
	}()
	cancel()
	if _, err := b.Ensure(t.Context(), []string{"numpy==2"}); err != nil {
		t.Errorf("the other caller's error: %v", err)
	}
	<-done // either way: it may have been done before it was cancelled
}
