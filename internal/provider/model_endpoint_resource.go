package provider

import (
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/schedule"
)

func modelEndpoint(g guide) *definition[modelEndpointModel, mlops.ModelEndpointSpec, mlops.ModelEndpointStatus] {
	return &definition[modelEndpointModel, mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{
		noun: mlops.NounModelEndpoint,
		doc: "A live endpoint that answers predictions. Its URL stays while versions change behind it. " +
			"If a new version does not become ready or fails its smoke test, the old one keeps serving, the apply fails with the server's last words, and the state shows what serves.",
		attributes:   modelEndpointAttributes(g),
		patience:     patience{create: 30 * time.Minute, update: 30 * time.Minute, remove: 15 * time.Minute},
		kind:         mlops.Backend.ModelEndpoints,
		toSpec:       modelEndpointModel.spec,
		fromObserved: modelEndpointOf,
		parent:       "environment",
		parentNoun:   mlops.NounEnvironment,
		parentOf:     func(s mlops.ModelEndpointSpec) mlops.ID { return s.Environment },
		id:           mlops.ModelEndpointSpec.ID,
		name:         func(s mlops.ModelEndpointSpec) string { return s.Name },
		identity:     []string{"environment", "name"},
		check:        checkUpTime,
		consider:     checkApprovals,
		alters: func(_, _ mlops.ModelEndpointSpec, _ bool) []string {
			return []string{"serving", "native", "resolved", "monthly_usd"}
		},
		estimate:  machinesAhead(g.factories),
		protected: func(m modelEndpointModel) bool { return valueOf(m.Protection) },
	}
}

func checkUpTime(c *mlops.Checker, s mlops.ModelEndpointSpec) {
	if s.Schedule == nil {
		return
	}
	for name, cron := range map[string]string{"up": s.Schedule.Up, "down": s.Schedule.Down} {
		at := mlops.At("schedule", name)
		if _, err := schedule.Parse(mlops.Schedule{Cron: cron, Timezone: s.Schedule.Timezone}); err != nil && cron != "" {
			c.AddIf(at, []mlops.Path{at, mlops.At("schedule", "timezone")}, "Invalid schedule", "%s.", err)
		}
	}
}
