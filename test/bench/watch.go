package main

import (
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
	if err := cmd.Run(); cmd.ProcessState == nil {
		return err
	}
	text, err := json.Marshal(usageOf(cmd.ProcessState))
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
