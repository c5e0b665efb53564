package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// usage is what a process used, those that it started and waited for included.
type usage struct {
	CPU    time.Duration `json:"cpu"`
	Memory int64         `json:"memory"` // most that was resident at once, bytes; of the largest process
	// Anonymous is the most of it that is backed by no file, as far as looks found: the
	// program's own pages can be had back from its file. 0 where nobody tells.
	Anonymous int64 `json:"anonymous"`
}

// anonymous says how much of the memory is the process's own.
func (u usage) anonymous() string {
	if u.Anonymous == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f MB of it anonymous", float64(u.Anonymous)/mega)
}

func usageOf(state *os.ProcessState) usage {
	return usage{CPU: state.UserTime() + state.SystemTime(), Memory: peakMemory(state)}
}

// watch runs a command in its own place, with the same standard streams, and
// writes what it used: watch <file> <command> <arguments>.
func watch(ctx context.Context, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: watch <file> <command> <arguments>")
	}
	// The command gets its own signals and goes when it is told to.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), args[1], args[2:]...) //nolint:gosec // to run what it is told is its role
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	most, stop := sample(cmd.Process.Pid)
	_ = cmd.Wait() // how it ended is for whoever started it to see
	stop()
	used := usageOf(cmd.ProcessState)
	used.Anonymous = *most
	text, err := json.Marshal(used)
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], text, 0o600)
}

// sample looks every few milliseconds at a process's anonymous memory, until it is
// stopped; then most is known.
func sample(pid int) (most *int64, stop func()) {
	most, ended := new(int64), make(chan struct{})
	var looks sync.WaitGroup
	looks.Go(func() {
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			*most = max(*most, anonymousMemory(pid))
			select {
			case <-ended:
				tick.Stop()
				return
			case <-tick.C:
			}
		}
	})
	return most, func() { close(ended); looks.Wait() }
}

// anonymousMemory is what a process has resident that is backed by no file, as Linux
// tells it.
func anonymousMemory(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kilobytes int64
		if _, err := fmt.Sscanf(line, "RssAnon: %d kB", &kilobytes); err == nil {
			return kilobytes << 10
		}
	}
	return 0
}

// readUsage reads what watch wrote.
func readUsage(path string) (usage, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return usage{}, fmt.Errorf("what the provider used is not known: %w", err)
	}
	var u usage
	return u, json.Unmarshal(text, &u)
}
