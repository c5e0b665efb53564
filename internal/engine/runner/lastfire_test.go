package runner

import (
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/schedule"
)

// fires follows a schedule minute by minute, as the engine would, and lists
// when it fired.
func fires(t *testing.T, s mlops.Schedule, from, to time.Time) []string {
	t.Helper()
	cron, err := schedule.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	var at []string
	until := from
	for now := from; !now.After(to); now = now.Add(time.Minute) {
		if fired := lastFire(cron, until, now); !fired.IsZero() {
			at = append(at, fired.Format("Jan 2 15:04 -0700"))
			until = fired
		}
	}
	return at
}

func TestFiresAcrossDaylightSaving(t *testing.T) {
	t.Parallel()
	utc := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 12, 0, 0, 0, time.UTC) }
	tests := []struct {
		name     string
		schedule mlops.Schedule
		from, to time.Time
		want     []string
	}{
		{
			"hour outside the change, clocks back",
			mlops.Schedule{Cron: "0 4 * * *", Timezone: "Australia/Sydney"},
			utc(time.April, 3), utc(time.April, 5),
			[]string{"Apr 4 04:00 +1100", "Apr 5 04:00 +1000"},
		},
		{
			"hour outside the change, clocks forward",
			mlops.Schedule{Cron: "0 4 * * *", Timezone: "Australia/Sydney"},
			utc(time.October, 2), utc(time.October, 4),
			[]string{"Oct 3 04:00 +1000", "Oct 4 04:00 +1100"},
		},
		{
			"hour that comes twice fires once",
			mlops.Schedule{Cron: "30 2 * * *", Timezone: "Australia/Sydney"},
			utc(time.April, 4), utc(time.April, 5),
			[]string{"Apr 5 02:30 +1100"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := fires(t, tt.schedule, tt.from, tt.to)
			if len(got) != len(tt.want) {
				t.Fatalf("fired at %v, want %v", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("fire %d was at %s, want %s", i, got[i], tt.want[i])
				}
			}
		})
	}
}

func TestHourThatDoesNotComeFiresAtMostOnce(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, time.October, 3, 12, 0, 0, 0, time.UTC)
	got := fires(t, mlops.Schedule{Cron: "30 2 * * *", Timezone: "Australia/Sydney"}, from, from.Add(24*time.Hour))
	if len(got) > 1 {
		t.Errorf("fired at %v", got)
	}
}

func TestLastFireOfALongAbsence(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.June, 15, 12, 30, 0, 0, time.UTC)
	tests := []struct {
		name, cron string
		away       time.Duration
		want       string
	}{
		{"every minute, for years", "* * * * *", 5 * 365 * 24 * time.Hour, "2026-06-15T12:30:00Z"},
		{"monthly, for half a year", "0 0 1 * *", 180 * 24 * time.Hour, "2026-06-01T00:00:00Z"},
		{"nothing missed", "0 13 * * *", time.Hour, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cron, err := schedule.Parse(mlops.Schedule{Cron: tt.cron})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if at := lastFire(cron, now.Add(-tt.away), now); !at.IsZero() {
				got = at.Format(time.RFC3339)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDoubled(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		times int
		want  time.Duration
	}{{0, time.Second}, {1, 2 * time.Second}, {3, 8 * time.Second}, {1000, maxBackoff}} {
		if got := doubled(time.Second, tt.times); got != tt.want {
			t.Errorf("doubled %d times: %s, want %s", tt.times, got, tt.want)
		}
	}
}
