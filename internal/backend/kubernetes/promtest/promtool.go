package promtest

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// Lint has promtool judge a file of rules, the spec of a PrometheusRule, as strictly as
// it can. It returns what promtool says, or nil.
func Lint(t testing.TB, rules string) error {
	t.Helper()
	return promtool(t, "check", "rules", "--lint=all", "--lint-fatal", file(t, "rules.yml", rules))
}

// rulesFile stands for the rules in the tests of them.
const rulesFile = "rules.yml"

// TryRules has promtool try a file of rules on series, by tests as its documentation
// has them: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules.
// They name no files of rules. It returns what promtool says, or nil.
func TryRules(t testing.TB, rules, tests string) error {
	t.Helper()
	path := file(t, rulesFile, rules)
	return promtool(t, "test", "rules", file(t, "tests.yml", fmt.Sprintf("rule_files: [%q]\n%s", path, tests)))
}

// promtool returns what is wrong with what it is given. That promtool cannot be asked
// is the test's failure.
func promtool(t testing.TB, args ...string) error {
	t.Helper()
	said, err := exec.CommandContext(t.Context(), tool(t, "prometheus", "promtool"), args...).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Exited() {
		return errors.New(strings.TrimSpace(string(said)))
	}
	if err != nil {
		t.Fatalf("promtool: %v: %s", err, said)
	}
	return nil
}
