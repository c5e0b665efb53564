package schedule

import (
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestNext(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		cron, timezone string
		after, want    string // RFC 3339
	}{
		{"daily", "0 3 * * *", "", "2026-01-01T04:00:00Z", "2026-01-02T03:00:00Z"},
		{"quarter hours", "*/15 * * * *", "", "2026-01-01T04:01:00Z", "2026-01-01T04:15:00Z"},
		{"time zone east", "0 3 * * *", "Australia/Sydney", "2026-07-01T00:00:00Z", "2026-07-01T17:00:00Z"},
		{"names", "30 9 * jan mon", "", "2026-01-01T00:00:00Z", "2026-01-05T09:30:00Z"},
		{"leap day", "0 0 29 2 *", "", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"descriptor", "@monthly", "", "2026-01-02T00:00:00Z", "2026-02-01T00:00:00Z"},
		// Clocks go from 02:00 to 03:00 on 29 March 2026 in Berlin: a time in the
		// gap fires an hour later by the clock, not a day later.
		{"gap in spring", "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"},
		{"day after the gap", "30 2 * * *", "Europe/Berlin", "2026-03-29T02:00:00Z", "2026-03-30T00:30:00Z"},
		{"every half hour of the overlap", "*/30 * * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"},
		// Clocks go back from 03:00 to 02:00 on 25 October: once, not twice.
		{"overlap in autumn", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
		{"after the overlap", "30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := Parse(mlops.Schedule{Cron: tt.cron, Timezone: tt.timezone})
			if err != nil {
				t.Fatal(err)
			}
			after, err := time.Parse(time.RFC3339, tt.after)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Next(after).UTC().Format(time.RFC3339); got != tt.want {
				t.Errorf("next after %s is %s, want %s", tt.after, got, tt.want)
			}
		})
	}
}

func TestLast(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		cron, timezone string
		before, want   string // RFC 3339
	}{
		{"today", "0 3 * * *", "", "2026-01-02T04:00:00Z", "2026-01-02T03:00:00Z"},
		{"this very moment", "0 3 * * *", "", "2026-01-02T03:00:00Z", "2026-01-02T03:00:00Z"},
		{"yesterday", "0 3 * * *", "", "2026-01-02T02:59:59Z", "2026-01-01T03:00:00Z"},
		{"every minute", "* * * * *", "", "2026-01-02T02:59:59Z", "2026-01-02T02:59:00Z"},
		{"Friday", "0 19 * * fri", "", "2026-01-05T06:00:00Z", "2026-01-02T19:00:00Z"},
		{"last year", "0 0 1 7 *", "", "2026-01-05T06:00:00Z", "2025-07-01T00:00:00Z"},
		{"leap day", "0 0 29 2 *", "", "2028-02-28T23:59:00Z", "2024-02-29T00:00:00Z"},
		{"time zone", "0 20 * * *", "America/New_York", "2026-07-01T12:00:00Z", "2026-07-01T00:00:00Z"},
		{"gap in spring", "30 2 * * *", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-29T01:30:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := Parse(mlops.Schedule{Cron: tt.cron, Timezone: tt.timezone})
			if err != nil {
				t.Fatal(err)
			}
			before, err := time.Parse(time.RFC3339, tt.before)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Last(before).UTC().Format(time.RFC3339); got != tt.want {
				t.Errorf("last before %s is %s, want %s", tt.before, got, tt.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		cron, timezone string
		want           string // part of the error
	}{
		{"empty", "", "", "not a cron expression"},
		{"words", "every day", "", "not a cron expression"},
		{"six fields", "0 0 3 * * *", "", "not a cron expression"},
		{"minute 60", "60 * * * *", "", "not a cron expression"},
		{"31 February", "0 0 31 2 *", "", "never fires"},
		{"31 April", "0 0 31 4 *", "", "never fires"},
		{"zone", "0 0 * * *", "Mars/Olympus", "IANA time zone"},
		{"machine's own zone", "0 0 * * *", "Local", "IANA time zone"},
		{"zone in the expression", "TZ=UTC 0 0 * * *", "", "write the time zone in timezone"},
		{"every", "@every 1h", "", "@every depends"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(mlops.Schedule{Cron: tt.cron, Timezone: tt.timezone})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("*/5 1-3 1,15 * mon-fri", "UTC")
	f.Add("@daily", "Asia/Tokyo")
	f.Fuzz(func(t *testing.T, expression, zone string) {
		c, err := Parse(mlops.Schedule{Cron: expression, Timezone: zone})
		if err == nil && !c.Next(time.Unix(1e9, 0)).After(time.Unix(1e9, 0)) {
			t.Errorf("%q in %q: the next time is not later", expression, zone)
		}
	})
}
