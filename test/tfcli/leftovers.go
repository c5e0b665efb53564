package tfcli

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// settleWithin is how long ending processes get.
const settleWithin = 30 * time.Second

// close destroys what a test left, stops the engine and looks for leftovers.
func (w *Workspace) close() {
	w.t.Helper()
	if _, err := os.Stat(filepath.Join(w.Dir, "terraform.tfstate")); err == nil {
		if r := w.Run("destroy", "-auto-approve"); r.Code != 0 {
			w.t.Errorf("destroy at the end of the test:\n%s", r.Out)
		}
	}
	w.NothingLeft()
	w.StopEngine()
	if left := w.Processes(); len(left) > 0 {
		w.t.Errorf("processes left after the engine was stopped: %q", left)
	}
}

// NothingLeft fails the test if the engine still has a step, a server or files
// of an environment.
func (w *Workspace) NothingLeft() {
	w.t.Helper()
	var left []string
	for deadline := time.Now().Add(settleWithin); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		left = slices.DeleteFunc(w.Processes(), isEngine)
		if len(left) == 0 {
			break
		}
	}
	if len(left) > 0 {
		w.t.Errorf("processes left after destroy: %q", left)
	}
	files, err := filepath.Glob(filepath.Join(w.Engine, "environments", "*"))
	if err != nil || len(files) > 0 {
		w.t.Errorf("files left after destroy: %q, %v", files, err)
	}
}

// StopEngine stops the workspace's engine, if there is one.
func (w *Workspace) StopEngine() {
	w.t.Helper()
	if _, err := os.Stat(w.Engine); err != nil {
		return
	}
	if out, err := exec.CommandContext(context.Background(), w.cli.Provider, "engine", "stop", "-directory", w.Engine).CombinedOutput(); err != nil {
		w.t.Errorf("engine stop: %v\n%s", err, out)
	}
}

// Processes lists the command lines of all processes that belong to the
// workspace's engine: the engine, steps, model servers and their children. They
// are known by the engine's directory in their command line or as their working
// directory.
func (w *Workspace) Processes() []string {
	var found []string
	for _, p := range w.processes() {
		line, err := p.Cmdline()
		if err == nil {
			found = append(found, line)
		}
	}
	return found
}

// KillEngine ends the engine with SIGKILL and returns when it is gone.
func (w *Workspace) KillEngine() {
	w.t.Helper()
	for _, p := range w.processes() {
		if line, err := p.Cmdline(); err == nil && isEngine(line) {
			w.Kill(p.Pid)
			return
		}
	}
	w.t.Fatal("there is no engine to kill")
}

// KillProviders ends the provider processes below a command with SIGKILL. It
// returns how many there were.
func (w *Workspace) KillProviders(s *Started) int {
	w.t.Helper()
	p, err := process.NewProcess(int32(s.PID())) //nolint:gosec // a PID fits
	if err != nil {
		return 0
	}
	children, err := p.Children()
	if err != nil {
		return 0
	}
	n := 0
	for _, c := range children {
		if line, err := c.Cmdline(); err == nil && strings.Contains(line, providerName) {
			w.Kill(c.Pid)
			n++
		}
	}
	return n
}

// Kill ends a process with SIGKILL and returns when it is gone.
func (w *Workspace) Kill(pid int32) {
	w.t.Helper()
	p, err := process.NewProcess(pid)
	if err != nil {
		return
	}
	_ = p.Kill() // gone already is as good
	for deadline := time.Now().Add(settleWithin); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if status, err := p.Status(); err != nil || slices.Contains(status, process.Zombie) {
			return
		}
	}
	w.t.Fatalf("process %d survived SIGKILL", pid)
}

func (w *Workspace) processes() []*process.Process {
	all, err := process.Processes()
	if err != nil {
		w.t.Fatal(err)
	}
	self := int32(os.Getpid()) //nolint:gosec // a PID fits
	return slices.DeleteFunc(all, func(p *process.Process) bool {
		return p.Pid == self || !w.owns(p)
	})
}

func (w *Workspace) owns(p *process.Process) bool {
	if status, err := p.Status(); err != nil || slices.Contains(status, process.Zombie) {
		return false
	}
	line, err := p.Cmdline()
	if err != nil || strings.HasPrefix(line, w.cli.Path) {
		return false
	}
	cwd, _ := p.Cwd() // not everybody's may be read
	return strings.Contains(line, w.Engine) || strings.HasPrefix(cwd, w.Engine)
}

func isEngine(line string) bool { return strings.Contains(line, " engine run") }
