package kubernetes

import (
	"strconv"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// keyOfWebhook is where the secret of a monitor has the URL of its webhook.
const keyOfWebhook = "webhook_url"

// receiverOfAlerts is the one receiver of a monitor's alerts.
const receiverOfAlerts = "webhook"

// alertManifests have Alertmanager tell a monitor's alerts to its webhook, whose URL is
// in a secret. One whose URL does not come with the change is left as it is.
func (s scene) alertManifests(spec mlops.MonitorSpec) []manifest {
	a := spec.Alerts
	if a == nil || a.WebhookURL == "" && a.Mark == "" {
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
	receiver := map[string]any{"name": receiverOfAlerts, "webhookConfigs": []map[string]any{{
		"sendResolved": true, "urlSecret": secretKey{s.monitorPart(kindSecret).name, keyOfWebhook},
	}}}
	content := map[string]any{"spec": map[string]any{"route": route, "receivers": []map[string]any{receiver}}}
	return append(all, s.component(s.monitorPart(kindAlertmanagerConfig), content, spec.Labels))
}

// promDuration is a duration in whole seconds, as Prometheus and Alertmanager read one.
func promDuration(d time.Duration) string {
	return strconv.FormatInt(max(1, int64(d.Round(time.Second)/time.Second)), 10) + "s"
}
