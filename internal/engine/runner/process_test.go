//go:build unix

package runner_test

import (
	"path/filepath"
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

// newMark returns the name of a file that a test's processes have on their
// command lines. What is left of them when the test ends is killed.
func newMark(t *testing.T) string {
	t.Helper()
	mark := filepath.Join(t.TempDir(), "mark")
	t.Cleanup(func() { killGroups(t, mark) })
	return mark
}

// killAll kills the process groups with a mark and waits until they are gone.
func killAll(t *testing.T, mark string) {
	t.Helper()
	killGroups(t, mark)
	wantNoProcesses(t, mark)
}

// killGroups kills each group at once, so that none of its members sees another
// end.
func killGroups(t *testing.T, mark string) {
	t.Helper()
	for _, p := range marked(t, mark) {
		if group, err := syscall.Getpgid(int(p.Pid)); err == nil {
			_ = syscall.Kill(-group, syscall.SIGKILL) // gone already is as good
		}
	}
}

func wantNoProcesses(t *testing.T, mark string) {
	t.Helper()
	eventually(t, "the processes of "+mark+" to be gone", func() bool { return processes(t, mark) == 0 })
}
