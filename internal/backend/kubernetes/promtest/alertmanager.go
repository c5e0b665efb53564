package promtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Configure has the Prometheus operator make Alertmanager's configuration of
// AlertmanagerConfigs and the secrets that they name, one manifest, beside what the
// cluster's own configuration has as global, "" for nothing. It returns the configuration,
// or why the operator refuses the objects.
func Configure(t testing.TB, manifest, global string) (string, error) {
	t.Helper()
	return configure(t, manifest, "alertmanager", file(t, "global.yml", global))
}

// Scraping has the Prometheus operator make Prometheus' configuration of ServiceMonitors,
// and Prometheus judge it. It returns the configuration, or why one of them refuses it.
func Scraping(t testing.TB, manifest string) (string, error) {
	t.Helper()
	text, err := configure(t, manifest, "prometheus")
	if err != nil {
		return "", err
	}
	// The files that it names are in the operator's pods.
	return text, promtool(t, "check", "config", "--syntax-only", file(t, "prometheus.yml", text))
}

func configure(t testing.TB, manifest string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tool(t, "alertmanager", "configure"), args...)
	cmd.Stdin = strings.NewReader(manifest)
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		return "", errors.New(strings.TrimSpace(string(exit.Stderr)))
	}
	if err != nil {
		t.Fatalf("configure: %v", err)
	}
	return string(out), nil
}

// StartAlertmanager starts Alertmanager with a configuration, and returns its URL.
func StartAlertmanager(t testing.TB, configuration string) string {
	t.Helper()
	return serve(
		t, tool(t, "alertmanager", "alertmanager"), "--web.listen-address=127.0.0.1:0", "--cluster.listen-address=",
		"--config.file="+file(t, "alertmanager.yml", configuration), "--storage.path="+t.TempDir(),
	)
}

// Message is what Alertmanager sends to a webhook, of which tests read this
// (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config).
type Message struct {
	Status   string  `json:"status"`
	Receiver string  `json:"receiver"`
	Alerts   []Alert `json:"alerts"`
}

// Alert is one alert of a message.
type Alert struct {
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// Inbox is a webhook that keeps what it is sent.
type Inbox struct {
	URL string

	mu  sync.Mutex
	all []Message
}

// NewInbox is an inbox without messages.
func NewInbox(t testing.TB) *Inbox {
	t.Helper()
	in := &Inbox{}
	server := httptest.NewServer(in)
	t.Cleanup(server.Close)
	in.URL = server.URL
	return in
}

// ServeHTTP keeps a message.
func (in *Inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m Message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.all = append(in.all, m)
}

// Messages are those that have come.
func (in *Inbox) Messages() []Message {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.all)
}

// Await waits for an alert in a state, "firing" or "resolved", and returns it.
func (in *Inbox) Await(t testing.TB, name, status string) Alert {
	t.Helper()
	var found Alert
	Eventually(t, fmt.Sprintf("the alert %s to be %s", name, status), func() error {
		for _, m := range in.Messages() {
			for _, a := range m.Alerts {
				if a.Labels["alertname"] == name && a.Status == status {
					found = a
					return nil
				}
			}
		}
		return fmt.Errorf("there is %+v", in.Messages())
	})
	return found
}
