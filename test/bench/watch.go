package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// usage is what a process used, those that it started and waited for included.
type usage struct {
	CPU    time.Duration `json:"cpu"`
	Memory int64         `json:"memory"` // most that was resident at once, bytes; of the largest process
	// Anonymous is the most of that which was the watched process's own, as far as
	// looks at it showed; 0 where that is not known.
	Anonymous int64 `json:"anonymous,omitempty"`
}

func usageOf(state *os.ProcessState) usage {
	return usage{CPU: state.UserTime() + state.SystemTime(), Memory: peakMemory(state)}
}

// owned judges the memory that was the process's own. The budget is that of a program of
// any size: pages of the program are shared by all its processes, and the system takes
// them back when it needs room. Where a process's own is not known, all is judged.
func (u usage) owned(plan string) result {
	return atMost(plan+"provider memory of its own, peak", float64(cmp.Or(u.Anonymous, u.Memory))/mega, "MB", 60)
}

// between is how often a process's own memory is looked at: no system keeps its peak.
const between = 25 * time.Millisecond

// peakAnonymous looks at a process's own memory until done is closed, and returns the
// most that it saw.
func peakAnonymous(pid int, done <-chan struct{}) int64 {
	var most int64
	clock := time.NewTicker(between)
	defer clock.Stop()
	for {
		most = max(most, anonymousMemory(pid))
		select {
		case <-done:
			return most
		case <-clock.C:
		}
	}
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
	done, most := make(chan struct{}), make(chan int64, 1)
	go func() { most <- peakAnonymous(cmd.Process.Pid, done) }()
	_ = cmd.Wait() // how it ended is for whoever started it
	close(done)
	used := usageOf(cmd.ProcessState)
	used.Anonymous = <-most
	text, err := json.Marshal(used)
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], text, 0o600)
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
