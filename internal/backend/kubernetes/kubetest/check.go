package kubetest

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// CheckWorkflows has Argo's own validation judge objects of Argo's, in one manifest
// with the templates that they name. It returns what Argo says, or nil.
func CheckWorkflows(t testing.TB, manifest string) error {
	t.Helper()
	return check(t, "workflow", manifest)
}

// CheckRules has Prometheus judge a file of rules, the spec of a PrometheusRule. It
// returns what Prometheus says, or nil.
func CheckRules(t testing.TB, file string) error {
	t.Helper()
	return check(t, "rules", file)
}

func check(t testing.TB, what, input string) error {
	t.Helper()
	found, err := build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), found.check(), what)
	cmd.Stdin = strings.NewReader(input)
	said, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		return fmt.Errorf("%s", strings.TrimSpace(string(said)))
	}
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return nil
}
