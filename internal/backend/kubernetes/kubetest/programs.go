package kubetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// programs is the folder of the programs that a cluster runs.
type programs string

func (p programs) controlPlane() string { return filepath.Join(string(p), "control-plane") }
func (p programs) kwok() string         { return filepath.Join(string(p), "kwok") }
func (p programs) kserve() string       { return filepath.Join(string(p), "manager") }
func (p programs) knative() string      { return filepath.Join(string(p), "knative") }
func (p programs) argo() string         { return filepath.Join(string(p), "workflow-controller") }
func (p programs) check() string        { return filepath.Join(string(p), "check") }

// build finds the programs in the user's cache, and builds them if need be.
func build(ctx context.Context) (programs, error) {
	tools, err := tools()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(tools, "build.sh"), "kubernetes")
	cmd.Stderr = os.Stderr // minutes pass when it builds
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("build the programs of a cluster: %w", err)
	}
	return programs(strings.TrimSpace(string(out))), nil
}

// tools returns the directory of this module's tools.
func tools() (string, error) {
	_, source, _, ok := runtime.Caller(0)
	if !ok {
		return "", errors.New("this binary does not know where it was built from")
	}
	return filepath.Join(filepath.Dir(source), "..", "..", "..", "tools"), nil
}
