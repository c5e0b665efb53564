package main

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// TestWatchTellsMemory proves that a process's own memory is measured apart from the
// pages of its program.
func TestWatchTellsMemory(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells the two apart")
	}
	const own = 64 << 20
	file := filepath.Join(t.TempDir(), "usage.json")
	fill := "x=$(head -c 67108864 /dev/zero | tr '\\0' a); sleep 0.5; echo ${#x} > /dev/null"
	if err := watch(t.Context(), []string{file, "sh", "-c", fill}); err != nil {
		t.Fatal(err)
	}
	used, err := readUsage(file)
	if err != nil {
		t.Fatal(err)
	}
	if used.Anonymous < own || used.Anonymous > used.Memory {
		t.Errorf("it is told to have %d bytes of its own of %d, and filled %d", used.Anonymous, used.Memory, own)
	}
	if none := anonymousMemory(-1); none != 0 || anonymousMemory(os.Getpid()) == 0 {
		t.Errorf("no process has %d bytes", none)
	}
}
