package serving

import (
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/schedule"
)

// hours are when an endpoint is up.
type hours struct{ up, down schedule.Cron }

// hoursOf reads an endpoint's schedule. The error names the attribute.
func hoursOf(u *mlops.UpTime) (hours, error) {
	var h hours
	for _, part := range []struct {
		name, cron string
		to         *schedule.Cron
	}{{"up", u.Up, &h.up}, {"down", u.Down, &h.down}} {
		c, err := schedule.Parse(mlops.Schedule{Cron: part.cron, Timezone: u.Timezone})
		if err != nil {
			return h, mlops.InvalidField(mlops.At("schedule", part.name).String(), "the endpoint's schedule: %w", err)
		}
		*part.to = c
	}
	return h, nil
}

// asleepUntil returns when the endpoint is up again, if it is down at a time,
// else the zero time. It is down if the schedule last told it to be, however
// the clock came to be what it is; told both at once, it is up.
func (h hours) asleepUntil(now time.Time) time.Time {
	if !h.down.Last(now).After(h.up.Last(now)) {
		return time.Time{}
	}
	return h.up.Next(now)
}

// asleepUntil is hours.asleepUntil of a spec, which may have no schedule. One
// that cannot be read was never accepted; it would be up.
func asleepUntil(s mlops.ModelEndpointSpec, now time.Time) time.Time {
	if s.Schedule == nil {
		return time.Time{}
	}
	h, err := hoursOf(s.Schedule)
	if err != nil {
		return time.Time{}
	}
	return h.asleepUntil(now)
}
