package runner_test

import (
	"strings"
	"testing"

	"github.com/shirou/gopsutil/v4/process"
)

// processes counts the processes whose command line holds a mark, which each
// test makes from a directory of its own.
func processes(t testing.TB, mark string) int {
	t.Helper()
	all, err := process.Processes()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, p := range all {
		line, err := p.Cmdline()
		if err == nil && strings.Contains(line, mark) {
			n++
		}
	}
	return n
}

func wantNoProcesses(t testing.TB, mark string) {
	t.Helper()
	eventually(t, "the processes of "+mark+" to be gone", func() bool { return processes(t, mark) == 0 })
}
