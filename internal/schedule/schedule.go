package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // a container or Windows may have no time zone database

	cron "github.com/netresearch/go-cron"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Cron is a parsed schedule.
type Cron struct {
	times    cron.Schedule
	location *time.Location
	hourly   bool // fires in every hour, or every few: by elapsed time, not by the clock on the wall
}

// Parse reads a schedule. It refuses an expression that is malformed, one that
// never fires (the 31st of February), and a time zone that does not exist.
func Parse(s mlops.Schedule) (Cron, error) {
	if strings.HasPrefix(s.Cron, "TZ=") || strings.HasPrefix(s.Cron, "CRON_TZ=") {
		return Cron{}, errors.New("write the time zone in timezone, not in the cron expression")
	}
	if strings.HasPrefix(s.Cron, "@every") {
		return Cron{}, errors.New("@every depends on when the engine was started; use a five-field expression such as \"*/15 * * * *\"")
	}
	location, err := time.LoadLocation(s.Timezone)
	if err != nil || s.Timezone == "Local" {
		return Cron{}, fmt.Errorf("%q is no IANA time zone such as \"Europe/Berlin\"", s.Timezone)
	}
	parser := cron.MustNewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
	times, err := parser.Parse(s.Cron)
	if err != nil {
		return Cron{}, fmt.Errorf("%q is not a cron expression of five fields (minute, hour, day of month, month, day of week): %w", s.Cron, err)
	}
	c := Cron{times, location, s.Cron == "@hourly" || strings.HasPrefix(hourField(s.Cron), "*")}
	if c.Next(time.Unix(0, 0)).IsZero() {
		return Cron{}, fmt.Errorf("%q never fires: no date has that day of that month", s.Cron)
	}
	return c, nil
}

// Next returns the first time after another at which the schedule fires, or the
// zero time if it never does. A time that the clocks skip in spring fires an
// hour later; one that they show twice in autumn fires once, unless the
// schedule is for every hour.
func (c Cron) Next(after time.Time) time.Time {
	next := c.times.Next(after.In(c.location))
	if !c.hourly && shownBefore(next) {
		return c.times.Next(next)
	}
	return next
}

// Last returns the last time at or before another at which the schedule fired,
// or the zero time if it did not in the last eight years, within which every
// date comes.
func (c Cron) Last(before time.Time) time.Time {
	const day = 24 * time.Hour
	for _, back := range []time.Duration{time.Hour, day, 32 * day, 366 * day, (8*365 + 2) * day} {
		var last time.Time
		for next := c.Next(before.Add(-back)); !next.IsZero() && !next.After(before); next = c.Next(next) {
			last = next
		}
		if !last.IsZero() {
			return last
		}
	}
	return time.Time{}
}

// shownBefore reports whether the clocks showed this time of day an hour ago
// already, before they were set back.
func shownBefore(t time.Time) bool {
	earlier := t.Add(-time.Hour)
	return !t.IsZero() && earlier.Hour() == t.Hour() && earlier.Minute() == t.Minute()
}

func hourField(expression string) string {
	fields := strings.Fields(expression)
	if len(fields) < 2 {
		return ""
	}
	return fields[1]
}
