package promtest

import (
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// rulesFile is the name of a file of rules.
const rulesFile = "rules.yml"

// Lint has promtool judge a file of rules, the spec of a PrometheusRule, as strictly as
// it can. It returns what promtool says, or nil.
func Lint(t testing.TB, rules string) error {
	t.Helper()
	return promtool(t, "check", "rules", "--lint=all", "--lint-fatal", file(t, rulesFile, rules))
}

// RulesTest is what a server has scraped, and which alerts it comes to, as promtool reads
// it: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules.
type RulesTest struct {
	Name     string      `json:"name"`
	Interval string      `json:"interval"` // between the values of a series
	Series   []Series    `json:"input_series"`
	Alerts   []AlertTest `json:"alert_rule_test"`
}

// Series is a series with its values, in promtool's own notation.
type Series struct {
	Series string `json:"series"`
	Values string `json:"values"`
}

// AlertTest is how often an alert fires at a time, and with what.
type AlertTest struct {
	At    string  `json:"eval_time"`
	Alert string  `json:"alertname"`
	Fires []Fired `json:"exp_alerts"`
}

// Fired is one alert.
type Fired struct {
	Labels      map[string]string `json:"exp_labels"`
	Annotations map[string]string `json:"exp_annotations,omitempty"`
}

// TryRules has promtool try a file of rules on series. It returns what promtool says, or
// nil.
func TryRules(t testing.TB, rules string, tests ...RulesTest) error {
	t.Helper()
	// JSON is YAML.
	text, err := json.Marshal(map[string]any{"rule_files": []string{file(t, rulesFile, rules)}, "tests": tests})
	if err != nil {
		t.Fatal(err)
	}
	return promtool(t, "test", "rules", file(t, "tests.yml", string(text)))
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
