package kubernetes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// twoContexts is a kubeconfig whose current context is neither's choice.
const twoContexts = `
apiVersion: v1
kind: Config
clusters:
- {name: c1, cluster: {server: "https://one.example.com:6443"}}
- {name: c2, cluster: {server: "https://two.example.com:6443"}}
users:
- {name: u, user: {token: secret}}
contexts:
- {name: one, context: {cluster: c1, user: u}}
- {name: "arn:aws:eks:eu-west-1:1:cluster/two", context: {cluster: c2, user: u}}
current-context: one
`

func TestScope(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name             string
		provider, target mlops.Settings
		want             []string
		refused          bool
	}{
		{name: "nothing says", refused: true},
		{name: "environment", provider: mlops.Settings{settingContext: "one"}, target: mlops.Settings{settingCluster: "two"}, want: []string{"two"}},
		{name: "context of the provider", provider: mlops.Settings{settingContext: "one"}, want: []string{"one"}},
		{name: "host", provider: mlops.Settings{settingHost: "https://k8s.example.com:6443", settingContext: "one"}, want: []string{"k8s.example.com"}},
		{name: "host without a scheme", provider: mlops.Settings{settingHost: "k8s.example.com"}, want: []string{"k8s.example.com"}},
		{name: "name of the host", provider: mlops.Settings{settingHost: "https://10.0.0.1", settingCluster: "prod"}, want: []string{"prod"}},
		{name: "in a pod", provider: mlops.Settings{settingInCluster: true}, want: []string{"in-cluster"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := scope(tt.provider, tt.target)
			if (err != nil) != tt.refused || tt.refused && mlops.CodeOf(err) != mlops.Invalid {
				t.Errorf("error %v, want one: %t", err, tt.refused)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("scope (-want +got):\n%s", diff)
			}
		})
	}
}

// TestClusters proves which clusters a list of environments asks.
func TestClusters(t *testing.T) {
	t.Parallel()
	short := map[string]string{"two": "arn:aws:eks:eu-west-1:1:cluster/two", "one": "one"}
	for _, tt := range []struct {
		name     string
		provider mlops.Settings
		want     []string
		refused  bool
	}{
		{name: "nothing says", refused: true},
		{name: "context of the provider", provider: mlops.Settings{settingContext: "three"}, want: []string{"three"}},
		{name: "short names", provider: mlops.Settings{settingClusters: short}, want: []string{"one", "two"}},
		{name: "both, and one of them twice", provider: mlops.Settings{settingClusters: short, settingContext: "one"}, want: []string{"one", "two"}},
		{name: "host", provider: mlops.Settings{settingHost: "https://k8s.example.com:6443"}, want: []string{"k8s.example.com"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := clusters(tt.provider)
			if (err != nil) != tt.refused || tt.refused && mlops.CodeOf(err) != mlops.Invalid {
				t.Errorf("error %v, want one: %t", err, tt.refused)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("clusters (-want +got):\n%s", diff)
			}
		})
	}
}

// TestConfig proves which API server a cluster's name reaches.
func TestConfig(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(twoContexts), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		settings mlops.Settings
		of       string
		want     string
		code     mlops.Code
		words    string // of the refusal
	}{
		{name: "context", settings: mlops.Settings{settingConfigPath: path}, of: "one", want: "https://one.example.com:6443"},
		{name: "merged files", settings: mlops.Settings{settingConfigPaths: []string{path}}, of: "one", want: "https://one.example.com:6443"},
		{name: "file at home", settings: mlops.Settings{settingConfigPath: fromHome(t, path)}, of: "one", want: "https://one.example.com:6443"},
		{name: "merged files at home", settings: mlops.Settings{settingConfigPaths: []string{fromHome(t, path)}}, of: "one", want: "https://one.example.com:6443"},
		{
			name: "short name", settings: mlops.Settings{settingConfigPath: path, settingClusters: map[string]string{"prod": "arn:aws:eks:eu-west-1:1:cluster/two"}},
			of: "prod", want: "https://two.example.com:6443",
		},
		{name: "host beside a kubeconfig", settings: mlops.Settings{settingConfigPath: path, settingHost: "https://three.example.com"}, of: "three.example.com", want: "https://three.example.com"},
		{name: "context beside a host", settings: mlops.Settings{settingConfigPath: path, settingHost: "https://three.example.com"}, of: "one", want: "https://one.example.com:6443"},
		{name: "no such context", settings: mlops.Settings{settingConfigPath: path}, of: "on", code: mlops.Invalid, words: `has no context "on"; it has arn:aws:eks:eu-west-1:1:cluster/two, one. Did you mean "one"?`},
		{name: "no such file", settings: mlops.Settings{settingConfigPath: path + "x"}, of: "one", code: mlops.Invalid, words: path + "x"},
		{name: "no file at all", settings: mlops.Settings{settingConfigPaths: []string{path + "x"}}, of: "one", code: mlops.Invalid, words: "no kubeconfig with a context at " + path + "x"},
		{name: "not in a pod", settings: mlops.Settings{settingInCluster: true}, of: "in-cluster", code: mlops.Invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := open(mlops.Options{Settings: tt.settings}).in(mlops.EnvironmentID(name, []string{tt.of}, "churn"))
			if mlops.CodeOf(err) != tt.code {
				t.Fatalf("error %v, want code %q", err, tt.code)
			}
			if err != nil && !strings.Contains(err.Error(), tt.words) {
				t.Errorf("the error lacks %q: %v", tt.words, err)
			}
			if err == nil && c.host != tt.want {
				t.Errorf("reaches %s, want %s", c.host, tt.want)
			}
		})
	}
}

// fromHome writes a path as one below the user's home.
func fromHome(t *testing.T, path string) string {
	t.Helper()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	below, err := filepath.Rel(home, path)
	if err != nil {
		t.Fatal(err)
	}
	return "~/" + below
}
