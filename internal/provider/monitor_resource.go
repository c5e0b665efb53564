package provider

import (
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/schedule"
)

func monitor(g guide) *definition[monitorModel, mlops.MonitorSpec, mlops.MonitorStatus] {
	return &definition[monitorModel, mlops.MonitorSpec, mlops.MonitorStatus]{
		noun: mlops.NounMonitor,
		doc: "A standing check of an endpoint, with consequences: drift of features and predictions, quality of data and of the model, bias, explainability, health. " +
			"It is on from the apply that makes it. What it finds is in the data source, in the platform's metrics, and is told to those in `alerts`; a violation may start a pipeline.",
		attributes:   monitorAttributes(g),
		patience:     patience{create: 30 * time.Minute, update: 30 * time.Minute, remove: 10 * time.Minute},
		kind:         mlops.Backend.Monitors,
		toSpec:       monitorModel.spec,
		fromObserved: monitorOf,
		parent:       "endpoint",
		parentNoun:   mlops.NounModelEndpoint,
		parentOf:     func(s mlops.MonitorSpec) mlops.ID { return s.Endpoint },
		id:           mlops.MonitorSpec.ID,
		name:         func(s mlops.MonitorSpec) string { return s.Name },
		identity:     []string{"endpoint", "name"},
		secrets:      markWebhook,
		guarded:      []string{"alerts"},
		check:        checkMonitorSchedule,
		foretell:     foretellMonitor,
		alters:       monitorAlters,
	}
}

func checkMonitorSchedule(c *mlops.Checker, s mlops.MonitorSpec) {
	at := mlops.At("schedule", "cron")
	if _, err := schedule.Parse(s.Schedule); err != nil {
		c.AddIf(at, []mlops.Path{at, mlops.At("schedule", "timezone")}, "Invalid schedule", "%s.", err)
	}
}

// foretellMonitor tells the mark of the webhook's URL at plan: that is how a
// change of the URL, which no state has, comes to be a change of the monitor. A
// problem that its state shows is one too.
func foretellMonitor(c *mlops.Checker, s mlops.MonitorSpec) map[string]string {
	told := map[string]string{problem: ""} // what an apply brings about
	if !c.Known(mlops.At("alerts"), mlops.At("endpoint"), mlops.At("name")) {
		return told
	}
	mark := ""
	if a := s.Alerts; a != nil && a.WebhookURL != "" {
		mark = markOf(s.ID(), a.WebhookURL)
	} else if a != nil {
		mark = a.Mark
	}
	told["webhook_mark"] = mark
	return told
}

// markWebhook takes the mark of the webhook's URL over from a state or a plan.
func markWebhook(s *mlops.MonitorSpec, held map[string]tftypes.Value) bool {
	if s.Alerts == nil {
		return false
	}
	s.Alerts.Mark = textOf(held["webhook_mark"])
	return s.Alerts.Mark != "" && s.Alerts.WebhookURL == ""
}

// monitorAlters lists what a change may alter: the platform's own parts are others
// where data are looked at otherwise, and where it begins or ends to tell anybody.
func monitorAlters(prior, planned mlops.MonitorSpec, _ bool) []string {
	looks := prior.Baseline != nil || planned.Baseline != nil || !slices.Equal(prior.Checks(), planned.Checks())
	if tellsByWebhook(prior) != tellsByWebhook(planned) || looks && mlops.DigestOf(withoutWebhook(prior)) != mlops.DigestOf(withoutWebhook(planned)) {
		return []string{"webhook_mark", "native"}
	}
	return []string{"webhook_mark"}
}

func tellsByWebhook(s mlops.MonitorSpec) bool {
	return s.Alerts != nil && (s.Alerts.WebhookURL != "" || s.Alerts.Mark != "")
}

// withoutWebhook is a monitor without what no state has of it.
func withoutWebhook(s mlops.MonitorSpec) mlops.MonitorSpec {
	if s.Alerts != nil {
		bare := *s.Alerts
		bare.WebhookURL, bare.Mark = "", ""
		s.Alerts = &bare
	}
	return s
}
