//go:build unix

package runner_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/shirou/gopsutil/v4/process"
)

// processes counts the processes whose command line holds a mark, which each
// test makes from a directory of its own.
func processes(t *testing.T, mark string) int {
	t.Helper()
	return len(marked(t, mark))
}

func marked(t *testing.T, mark string) (found []*process.Process) {
	t.Helper()
	all, err := process.Processes()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if line, err := p.Cmdline(); err == nil && strings.Contains(line, mark) {
			found = append(found, p)
		}
	}
	return found
}

// killAll kills the process groups with a mark, each at once, so that none of
// their members sees another end.
func killAll(t *testing.T, mark string) {
	t.Helper()
	for _, p := range marked(t, mark) {
		if group, err := syscall.Getpgid(int(p.Pid)); err == nil {
			_ = syscall.Kill(-group, syscall.SIGKILL) // gone already is as good
		}
	}
	wantNoProcesses(t, mark)
}

func wantNoProcesses(t *testing.T, mark string) {
	t.Helper()
	eventually(t, "the processes of "+mark+" to be gone", func() bool { return processes(t, mark) == 0 })
}
