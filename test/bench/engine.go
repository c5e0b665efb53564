package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/shirou/gopsutil/v4/process"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/client"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
)

const (
	engineStart = 30 * time.Second
	engineStop  = time.Minute
)

// engine is a running engine with a directory of its own.
type engine struct {
	binary  string
	version string
	layout  layout.Layout
	cmd     *exec.Cmd
	output  bytes.Buffer
	ended   chan struct{}
}

// startEngine starts the engine on a directory and waits until it listens.
func startEngine(ctx context.Context, binary, dir string) (*engine, error) {
	e := &engine{binary: binary, layout: layout.Layout{Root: dir}, ended: make(chan struct{})}
	e.cmd = exec.CommandContext(context.WithoutCancel(ctx), binary, "engine", "run", "-directory", dir)
	e.cmd.Stdout, e.cmd.Stderr = &e.output, &e.output
	setApart(e.cmd)
	if err := e.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	go func() {
		defer close(e.ended)
		_ = e.cmd.Wait() // how it ended is in ProcessState
	}()
	if err := e.awaitAnswer(ctx); err != nil {
		return nil, errors.Join(err, e.stop(ctx))
	}
	return e, nil
}

// awaitAnswer waits until the engine says who it is.
func (e *engine) awaitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, engineStart)
	defer cancel()
	for {
		found, err := client.Find(ctx, client.Options{Directory: e.layout.Root})
		if found != nil {
			e.version = found.Version
		}
		if found != nil || err != nil {
			return err
		}
		select {
		case <-e.ended:
			return fmt.Errorf("the engine ended: %s\n%s", e.cmd.ProcessState, e.output.String())
		default:
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("wait for the engine: %w", err)
		}
	}
}

// stop ends the engine and all its processes, even if ctx has ended.
func (e *engine) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineStop)
	defer cancel()
	said, err := exec.CommandContext(ctx, e.binary, "engine", "stop", "-directory", e.layout.Root).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("stop the engine: %w\n%s", err, said)
	}
	select {
	case <-e.ended:
		return err
	case <-ctx.Done():
		return errors.Join(err, e.cmd.Process.Kill())
	}
}

// cpu is the CPU time that the engine's own process used until now.
func (e *engine) cpu(ctx context.Context) (time.Duration, error) {
	p, err := process.NewProcessWithContext(ctx, int32(e.cmd.Process.Pid)) //nolint:gosec // a process id fits
	if err != nil {
		return 0, err
	}
	t, err := p.TimesWithContext(ctx)
	if err != nil {
		return 0, err
	}
	return time.Duration((t.User + t.System) * float64(time.Second)), nil
}
