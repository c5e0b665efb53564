package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// cli is a Terraform or OpenTofu that finds the provider in a directory.
type cli struct {
	path   string
	config string   // CLI configuration file
	engine string   // the engine's directory
	usage  string   // file in which the provider's use is noted
	extra  []string // of the environment
}

// findCLI returns the first Terraform or OpenTofu on the PATH, or one that the
// project builds.
func findCLI(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, filepath.Join("test", "cli.sh")).Output()
	path := strings.TrimSpace(string(out))
	if err != nil || path == "" {
		return "", unavailableError("no terraform or tofu was found, and none could be built")
	}
	return path, nil
}

// newCLI makes a directory for a provider, which is this program watching a
// command, and a configuration that has the CLI use it without any registry.
func newCLI(s site, path, engineDir, dir string, command ...string) (cli, error) {
	c := cli{path: path, config: filepath.Join(dir, "cli.tfrc"), engine: engineDir, usage: filepath.Join(dir, "usage.json")}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return c, err
	}
	args := append([]string{s.self, roleWatch, c.usage}, command...)
	for i, a := range args {
		args[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	script := "#!/bin/sh\nexec " + strings.Join(args, " ") + "\n"
	if err := os.WriteFile(filepath.Join(dir, "terraform-provider-mlops"), []byte(script), 0o700); err != nil { //nolint:gosec // a program must be executable
		return c, err
	}
	const config = `provider_installation {
  dev_overrides {
    "registry.terraform.io/terraform-mlops/mlops" = %[1]q
    "registry.opentofu.org/terraform-mlops/mlops" = %[1]q
  }
  direct {}
}
`
	return c, os.WriteFile(c.config, fmt.Appendf(nil, config, dir), 0o600)
}

// apply applies a directory.
func (c cli) apply(ctx context.Context, dir string) error {
	cmd := c.command(ctx, dir, "apply", "-auto-approve", "-input=false", "-no-color")
	return explain(cmd)
}

// spent is what a plan cost.
type spent struct {
	total    usage // the CLI, with all that it started
	provider usage
}

// plan plans a directory with refresh, insists that nothing is to be changed,
// and returns what that cost.
func (c cli) plan(ctx context.Context, dir string) (spent, error) {
	if err := os.Remove(c.usage); err != nil && !errors.Is(err, os.ErrNotExist) {
		return spent{}, err
	}
	cmd := c.command(ctx, dir, "plan", "-detailed-exitcode", "-input=false", "-lock=false", "-no-color")
	if err := explain(cmd); err != nil {
		return spent{}, err
	}
	provider, err := readUsage(c.usage)
	if errors.Is(err, os.ErrNotExist) { // of what is built in
		err = nil
	}
	return spent{usageOf(cmd.ProcessState), provider}, err
}

func (c cli) command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.path, args...)
	cmd.Dir = dir
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	logs := func(variable string) bool { return strings.HasPrefix(variable, "TF_") }
	cmd.Env = append(slices.DeleteFunc(os.Environ(), logs),
		"TF_CLI_CONFIG_FILE="+c.config, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1",
		"MLOPS_LOCAL_DIRECTORY="+c.engine, "MLOPS_OWNER="+owner)
	cmd.Env = append(cmd.Env, c.extra...)
	return cmd
}

// explain runs a command; the error has what it said.
func explain(cmd *exec.Cmd) error {
	said, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	const most = 4000
	if len(said) > most {
		said = append([]byte("…"), said[len(said)-most:]...)
	}
	return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, said)
}
