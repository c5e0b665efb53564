package kubernetes

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/promtest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestAlertDelivered proves the whole way of an alert of a monitor: its rules on what a
// gateway counts, its route and secret as the operator gives them to Alertmanager, and
// the webhook and the people who get mail by Alertmanager's own server, who are told when
// it is over too. Another monitor's are not.
func TestAlertDelivered(t *testing.T) {
	t.Parallel()
	const webhook = "/secret-path"
	inbox, other, mesh, box := promtest.NewInbox(t), promtest.NewInbox(t), promtest.NewMesh(t), promtest.NewMailbox(t)
	s := watchScene(mlops.Settings{targetPrometheus: "http://prometheus:9090"})
	spec := watchSpec()
	spec.Health.MinRequests, spec.Window = 0, mlops.Duration(10*time.Minute)
	spec.Alerts = &mlops.Alerts{WebhookURL: inbox.URL + webhook, Emails: []string{"first@example.com", "second@example.com"}}
	rules, err := json.Marshal(s.rulesManifest(spec, s.monitorRules(spec, time.Now())).content["spec"])
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := spec
	elsewhere.Name, elsewhere.Alerts = "elsewhere", &mlops.Alerts{WebhookURL: other.URL, Emails: []string{"third@example.com"}}
	away := s
	away.id = s.id.Environment().Child(mlops.NounMonitor, elsewhere.Name)
	configuration, err := promtest.Configure(t, alerting(t, append(s.alertManifests(spec), away.alertManifests(elsewhere)...)), box.Global("alerts@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	server := promtest.Start(t, promtest.Config{
		Target: mesh.URL, Rules: string(rules), Alertmanager: promtest.StartAlertmanager(t, configuration),
	})
	mesh.Sent("dev", predictor(firstServer), 200, 90, time.Millisecond)
	mesh.Sent("dev", predictor(secondServer), 500, 10, time.Millisecond)
	want := promtest.Alert{
		Status: "firing",
		Labels: map[string]string{
			"alertname": alertErrors, "namespace": "dev", "monitor": "watch", "check": "health", "endpoint": "churn", "environment": "dev", "severity": "warning",
		},
		Annotations: map[string]string{"summary": "The endpoint churn answers with 10 percent errors over 10m0s, and its limit is 2.5"},
	}
	if diff := cmp.Diff(want, inbox.Await(t, alertErrors, "firing")); diff != "" {
		t.Errorf("alert (-want +got):\n%s", diff)
	}
	wantLetters(t, box, "[FIRING:1]")
	mesh.Sent("dev", predictor(secondServer), 200, 900, time.Millisecond)
	inbox.Await(t, alertErrors, "resolved")
	wantLetters(t, box, "[RESOLVED]")
	if got := server.Ask(t, `ALERTS{alertstate="firing"}`); len(got) > 0 {
		t.Errorf("these fire still: %v", got)
	}
	for _, m := range other.Messages() {
		t.Errorf("another monitor's webhook was told %+v", m)
	}
}

// wantLetters waits for a letter to each of two people, and insists that nobody else has
// one.
func wantLetters(t *testing.T, box *promtest.Mailbox, subject string) {
	t.Helper()
	for _, to := range []string{"first@example.com", "second@example.com"} {
		l := box.Await(t, to, func(l promtest.Letter) bool { return strings.HasPrefix(l.Subject, subject) })
		if l.From != "alerts@example.com" || !strings.Contains(l.Subject, "watch") {
			t.Errorf("it is %+v", l)
		}
	}
	for _, l := range box.Letters() {
		if len(l.To) != 1 || l.To[0] == "third@example.com" {
			t.Errorf("another letter is %+v", l)
		}
	}
}

// TestMailWithoutServer proves what the operator says of mail where Alertmanager has no
// mail server: the docs tell of it.
func TestMailWithoutServer(t *testing.T) {
	t.Parallel()
	spec := watchSpec()
	spec.Alerts = &mlops.Alerts{Emails: []string{"first@example.com"}}
	s := watchScene(mlops.Settings{targetPrometheus: "http://prometheus:9090"})
	if _, err := promtest.Configure(t, alerting(t, s.alertManifests(spec)), ""); err == nil || !strings.Contains(err.Error(), "smarthost") {
		t.Errorf("the operator says %v", err)
	}
}

// alerting is the manifest of what leads alerts, in which a group is told at once and not
// after half a minute.
func alerting(t *testing.T, all []manifest) string {
	t.Helper()
	var documents []string
	for _, m := range all {
		if spec, ok := m.content["spec"].(map[string]any); ok {
			route, _ := spec["route"].(map[string]any)
			route["groupWait"], route["groupInterval"] = "1s", "1s"
		}
		text, err := m.json()
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, string(text))
	}
	return strings.Join(documents, "\n---\n")
}

// TestScrapeConfigured has the operator and Prometheus judge how the model servers of an
// endpoint are scraped, or Knative's proxies beside them.
func TestScrapeConfigured(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		settings mlops.Settings
		want     string
	}{
		{"kserve", mlops.Settings{targetMetrics: metricsKServe}, predictor((whereabouts{namespace: "dev"}).serversOf("churn"))},
		{"knative", mlops.Settings{targetMode: modeKnative}, "__meta_kubernetes_service_label_networking_internal_knative_dev_serviceType"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.settings[targetPrometheus] = "http://prometheus:9090"
			m, ok := watchScene(tt.settings).scrapeManifest(watchSpec())
			if !ok {
				t.Fatal("nothing is scraped")
			}
			text, err := m.json()
			if err != nil {
				t.Fatal(err)
			}
			configuration, err := promtest.Scraping(t, string(text))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(configuration, tt.want) {
				t.Errorf("it keeps no %s:\n%s", tt.want, configuration)
			}
		})
	}
}
