package process

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

const patience = 30 * time.Second

func start(t *testing.T, script string, change ...func(*Spec)) (*Handle, Spec) {
	t.Helper()
	dir := t.TempDir()
	spec := Spec{
		Args: []string{"sh", "-c", script}, Dir: dir, Env: []string{"PATH=" + os.Getenv("PATH")},
		Log: filepath.Join(dir, "log"), State: filepath.Join(dir, "state"),
	}
	for _, f := range change {
		f(&spec)
	}
	h, err := Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Stop(context.Background(), 0) })
	return h, spec
}

func wait(t *testing.T, h *Handle) Exit {
	t.Helper()
	select {
	case <-h.Done():
		return h.Exit()
	case <-time.After(patience):
		t.Fatal("process did not end")
		return Exit{}
	}
}

// pidIn waits for a script to write a PID to a file.
func pidIn(t *testing.T, path string) int32 {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		b, err := os.ReadFile(path)
		if pid, convErr := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 32); err == nil && convErr == nil {
			return int32(pid)
		}
	}
	t.Fatalf("no pid in %s", path)
	return 0
}

func gone(t *testing.T, pid int32) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		p, err := process.NewProcess(pid)
		if err != nil {
			return
		}
		if s, err := p.Status(); err != nil || isZombie(s) {
			return
		}
	}
	t.Fatalf("process %d is still there", pid)
}

func TestExit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		script string
		want   Exit
		words  string
	}{
		{"success", "exit 0", Exit{}, "exited with status 0"},
		{"failure", "echo oops >&2; exit 3", Exit{Code: 3}, "exited with status 3"},
		{"signal", "kill -TERM $$; sleep 1", Exit{Code: 128 + 15}, "was ended by signal 15"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h, _ := start(t, tt.script)
			got := wait(t, h)
			if got != tt.want || got.String() != tt.words {
				t.Errorf("got %+v %q, want %+v %q", got, got, tt.want, tt.words)
			}
		})
	}
}

func TestLogIsAppended(t *testing.T) {
	t.Parallel()
	h, spec := start(t, "echo one; echo two >&2; exit 1")
	wait(t, h)
	if got := Tail(spec.Log, 2); got != "one\ntwo" {
		t.Errorf("log tail %q", got)
	}
}

func TestStopEndsTheWholeGroup(t *testing.T) {
	t.Parallel()
	h, spec := start(t, "sleep 300 & echo $! >child; trap '' TERM; while :; do sleep 1; done")
	child := pidIn(t, filepath.Join(spec.Dir, "child"))
	h.Stop(t.Context(), 50*time.Millisecond)
	wait(t, h)
	gone(t, child)
}

func TestStopLetsTheProgramEndItself(t *testing.T) {
	t.Parallel()
	h, spec := start(t, `trap 'sleep 0.3; echo cleaned up; exit 5' TERM; echo $$ >child; while :; do sleep 0.05; done`)
	pidIn(t, filepath.Join(spec.Dir, "child"))
	h.Stop(t.Context(), patience)
	if got := wait(t, h); got.Code != 5 || Tail(spec.Log, 1) != "cleaned up" {
		t.Errorf("exit %+v after %q; want the program's own end", got, Tail(spec.Log, 1))
	}
}

func TestStopEndsChildrenThatLeftTheGroup(t *testing.T) {
	t.Parallel()
	h, spec := start(t, "setsid sh -c 'echo $$ >child; exec sleep 300' & sleep 300")
	child := pidIn(t, filepath.Join(spec.Dir, "child"))
	h.Stop(t.Context(), time.Second)
	gone(t, child)
}

func TestChildrenLeftBehindAreEnded(t *testing.T) {
	t.Parallel()
	h, spec := start(t, "sleep 300 & echo $! >child; exit 0")
	if got := wait(t, h); !got.OK() {
		t.Errorf("exit %v", got)
	}
	gone(t, pidIn(t, filepath.Join(spec.Dir, "child")))
}

func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	h, _ := start(t, `exec python3 -c 'x = bytearray(200 << 20); x[::4096] = b"1" * len(x[::4096]); import time; time.sleep(300)'`,
		func(s *Spec) { s.MemoryLimit = 64 << 20 })
	got := wait(t, h)
	if !strings.Contains(got.Reason, "64Mi is allowed") {
		t.Errorf("exit %+v; want a reason that names the limit", got)
	}
}

func TestRecoverRunning(t *testing.T) {
	t.Parallel()
	_, spec := start(t, "while [ ! -e go ]; do sleep 0.05; done; exit 7")
	again, err := Recover(spec.State)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-again.Done():
		t.Fatal("recovered process counts as ended while it runs")
	default:
	}
	if err := os.WriteFile(filepath.Join(spec.Dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, again); got.Code != 7 {
		t.Errorf("exit %+v, want status 7", got)
	}
}

func TestRecoverEnded(t *testing.T) {
	t.Parallel()
	h, spec := start(t, "exit 5")
	wait(t, h)
	again, err := Recover(spec.State)
	if err != nil {
		t.Fatal(err)
	}
	if got := wait(t, again); got.Code != 5 {
		t.Errorf("exit %+v, want status 5", got)
	}
}

func TestRecoverNothing(t *testing.T) {
	t.Parallel()
	if _, err := Recover(t.TempDir()); err == nil {
		t.Error("recovered a process that never was")
	}
}
