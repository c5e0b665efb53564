package kubernetes

import (
	"strconv"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// keyOfWebhook is where the secret of a monitor has the URL of its webhook.
const keyOfWebhook = "webhook_url"

// receiverOfAlerts is the one receiver of a monitor's alerts.
const receiverOfAlerts = "alerts"

// hasWebhook reports whether a monitor's alerts go to a webhook.
func hasWebhook(a mlops.Alerts) bool { return a.WebhookURL != "" || a.Mark != "" }

// alertManifests have Alertmanager tell a monitor's alerts to its webhook, whose URL is
// in a secret, and to people by mail. One whose URL does not come with the change is left
// as it is.
func (s scene) alertManifests(spec mlops.MonitorSpec) []manifest {
	a := spec.Alerts
	if a == nil || !hasWebhook(*a) && len(a.Emails) == 0 {
		return nil
	}
	var all []manifest
	if a.WebhookURL != "" {
		data := map[string][]byte{keyOfWebhook: []byte(a.WebhookURL)} // which JSON has as base64
		all = append(all, s.component(s.monitorPart(kindSecret), map[string]any{"type": "Opaque", "data": data}, spec.Labels))
	}
	route := map[string]any{
		"receiver": receiverOfAlerts, "groupBy": []string{alertMonitor},
		"repeatInterval": promDuration(a.Repeat.Or(mlops.DefaultCooldown)),
		"matchers":       []map[string]string{{"name": alertMonitor, "value": spec.Name, "matchType": "="}},
	}
	content := map[string]any{"spec": map[string]any{"route": route, "receivers": []map[string]any{s.receiver(*a)}}}
	return append(all, s.component(s.monitorPart(kindAlertmanagerConfig), content, spec.Labels))
}

// receiver is who is told. Mail goes by the server of Alertmanager's own configuration,
// a letter to each, so that an address that a server refuses keeps it from no other.
func (s scene) receiver(a mlops.Alerts) map[string]any {
	out := map[string]any{"name": receiverOfAlerts}
	if hasWebhook(a) {
		out["webhookConfigs"] = []map[string]any{{"sendResolved": true, "urlSecret": secretKey{s.monitorPart(kindSecret).name, keyOfWebhook}}}
	}
	var mails []map[string]any
	for _, to := range a.Emails {
		mails = append(mails, map[string]any{"sendResolved": true, "to": to})
	}
	if len(mails) > 0 {
		out["emailConfigs"] = mails
	}
	return out
}

// checkAddresses refuses addresses that Alertmanager would take for templates.
func checkAddresses(c *mlops.Checker, spec mlops.MonitorSpec) {
	if spec.Alerts == nil {
		return
	}
	for i, to := range spec.Alerts.Emails {
		if strings.Contains(to, "{{") {
			c.Add(mlops.At("alerts", "emails", i), "Not an address here", "%q has two braces, which Alertmanager takes for a template.", to)
		}
	}
}

// promDuration is a duration in whole seconds, as Prometheus and Alertmanager read one.
func promDuration(d time.Duration) string {
	return strconv.FormatInt(max(1, int64(d.Round(time.Second)/time.Second)), 10) + "s"
}
