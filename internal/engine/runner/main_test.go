//go:build unix

package runner_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/runner"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
)

// childDir names the directory of the engine that the test binary is to be,
// if it is to be one: something that a test can kill.
const childDir = "MLOPS_TEST_ENGINE_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := beEngine(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// beEngine runs a service until it is told to end, or killed.
func beEngine(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s, err := store.Open(ctx, layout.Layout{Root: dir}.Database())
	if err != nil {
		return err
	}
	service := runner.New(config(dir, s))
	if err := service.Start(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	if err := service.Close(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return s.Close()
}

// child is an engine in a process of its own.
type child struct {
	t   testing.TB
	cmd *exec.Cmd
}

func startChild(t *testing.T, dir string) *child {
	t.Helper()
	c := &child{t: t, cmd: exec.Command(os.Args[0])}
	c.cmd.Env = append(os.Environ(), childDir+"="+dir)
	log, err := os.OpenFile(filepath.Join(dir, "child.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	c.cmd.Stdout, c.cmd.Stderr = log, log
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	return c
}

// kill ends the engine as kill -9 does.
func (c *child) kill() { c.end(syscall.SIGKILL) }

func (c *child) end(signal syscall.Signal) {
	if c.cmd.ProcessState != nil {
		return
	}
	if err := c.cmd.Process.Signal(signal); err != nil {
		c.t.Error(err)
	}
	_ = c.cmd.Wait() // killed, so its status says nothing
}
