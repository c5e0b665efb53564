package serving

import (
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestHours(t *testing.T) {
	t.Parallel()
	week := mlops.UpTime{Up: "0 7 * * mon-fri", Down: "0 19 * * *", Timezone: "Europe/Berlin"}
	tests := []struct {
		name string
		up   mlops.UpTime
		at   string
		want string // until; "" is up
	}{
		{"in the day", week, "2026-06-03T12:00:00+02:00", ""},
		{"as it wakes", week, "2026-06-03T07:00:00+02:00", ""},
		{"before it wakes", week, "2026-06-03T06:59:59+02:00", "2026-06-03T07:00:00+02:00"},
		{"as it goes to sleep", week, "2026-06-03T19:00:00+02:00", "2026-06-04T07:00:00+02:00"},
		{"over the weekend", week, "2026-06-06T12:00:00+02:00", "2026-06-08T07:00:00+02:00"},
		{"clocks forward over the weekend", week, "2026-03-28T12:00:00+01:00", "2026-03-30T07:00:00+02:00"},
		{"told up again and again", mlops.UpTime{Up: "0 * * * *", Down: "30 * * * *"}, "2026-06-03T12:29:00Z", ""},
		{"told down again and again", mlops.UpTime{Up: "0 8 * * *", Down: "*/5 18-23 * * *"}, "2026-06-03T20:02:00Z", "2026-06-04T08:00:00Z"},
		{"told both at once", mlops.UpTime{Up: "0 8 * * *", Down: "0 8 * * *"}, "2026-06-03T20:02:00Z", ""},
		{"rarely", mlops.UpTime{Up: "0 0 1 12 *", Down: "0 0 10 1 *"}, "2026-06-03T20:02:00Z", "2026-12-01T00:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at, err := time.Parse(time.RFC3339, tt.at)
			if err != nil {
				t.Fatal(err)
			}
			got := asleepUntil(mlops.ModelEndpointSpec{Schedule: &tt.up}, at)
			var want time.Time
			if tt.want != "" {
				if want, err = time.Parse(time.RFC3339, tt.want); err != nil {
					t.Fatal(err)
				}
			}
			if !got.Equal(want) {
				t.Errorf("asleep until %s, want %s", got, want)
			}
		})
	}
}

func scheduled(s *mlops.ModelEndpointSpec, _ *mlops.Variant) {
	s.Schedule = &mlops.UpTime{Up: "0 8 * * *", Down: "0 18 * * *"}
}

// retryAfter asks an endpoint that is down when to come again.
func (b *bench) retryAfter() (status int, after time.Duration) {
	b.t.Helper()
	resp, err := http.Post("http://"+b.Address()+"/dev/churn", "text/plain", http.NoBody)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = resp.Body.Close()
	seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	return resp.StatusCode, time.Duration(seconds) * time.Second
}

// TestSleepsBySchedule follows a clock through two days, and through jumps.
func TestSleepsBySchedule(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := &clock{}
	day := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	c.set(day.Add(12 * time.Hour))
	b.follow(c)
	b.version("1", "one")
	b.version("2", "two")
	s := spec(b.id("1"), scheduled, kept(24*time.Hour))
	b.ready(s)
	b.wantModel("one")
	asleep := func() bool { return b.get(s.ID()).Status.Asleep && len(b.servers()) == 0 }
	awake := func() bool { return !b.get(s.ID()).Status.Asleep && b.get(s.ID()).Status.Replicas["main"] == 1 }

	c.set(day.Add(17*time.Hour + 59*time.Minute))
	b.wantModel("one")
	c.set(day.Add(18 * time.Hour))
	eventually(t, "it sleeps", asleep)
	o := b.get(s.ID())
	if o.Phase != mlops.PhaseReady || o.Revision != mlops.DigestOf(s) || o.Status.Replicas["main"] != 0 || o.Status.Serving["main"].Version != b.id("1") {
		t.Errorf("asleep it is %s at %s with %v", o.Phase, o.Revision, o.Status.Replicas)
	}
	up := time.Until(day.Add(32 * time.Hour)) // by the machine's clock, which the gateway goes by
	if status, after := b.retryAfter(); status != http.StatusServiceUnavailable || after < up-time.Minute || after > up+time.Minute {
		t.Errorf("asleep it answers %d, again in %s; want %s", status, after, up)
	}

	s.Labels = map[string]string{"changed": "asleep"}
	b.ready(s)
	if !asleep() {
		t.Error("a change of nothing woke it")
	}
	two := spec(b.id("2"), scheduled, kept(24*time.Hour))
	if o := b.ready(two); !o.Status.Asleep || !o.Status.PreviousUntil.IsZero() {
		t.Errorf("a change while it sleeps: asleep %t, warm until %s", o.Status.Asleep, o.Status.PreviousUntil)
	}
	eventually(t, "it sleeps again", asleep)
	b.accept(spec(b.id("2"), scheduled, env("BEHAVIOUR", "exit")))
	if o := b.settled(s.ID()); o.Revision != mlops.DigestOf(two) || o.Reason == "" {
		t.Errorf("a broken change while it sleeps: %s because %q", o.Revision, o.Reason)
	}
	eventually(t, "it still sleeps", asleep)

	b.suspend()
	b.follow(c)
	if !asleep() {
		t.Errorf("another engine woke it: %v", b.servers())
	}
	c.set(day.Add(32 * time.Hour))
	eventually(t, "it wakes", awake)
	b.wantModel("two")
	c.jump(-12 * time.Hour) // to 20:00 of the day before
	eventually(t, "it sleeps by a clock that was set back", asleep)
	c.jump(36 * time.Hour) // to 8:00 of the next day but one
	eventually(t, "it wakes by a clock that was set forward", awake)

	b.ready(spec(b.id("1"), scheduled, kept(48*time.Hour)))
	eventually(t, "the other version is warm", func() bool { return len(b.servers()) == 4 })
	c.jump(11 * time.Hour)
	eventually(t, "it sleeps with all servers", asleep)
	if until := b.warmUntil(s.ID()); !until.IsZero() {
		t.Errorf("warm until %s", until)
	}
	b.ready(spec(b.id("1"))) // without a schedule
	eventually(t, "it is up for good", awake)
	b.wantModel("one")
}

// TestSleepDoesNotLoseRequests goes to sleep with a request in flight.
func TestSleepDoesNotLoseRequests(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := &clock{}
	day := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	c.set(day.Add(12 * time.Hour))
	b.follow(c)
	s := spec(b.version("1", "one"), scheduled, env("DELAY", "1s"))
	b.ready(s)
	answer := make(chan int, 1)
	go func() { status, _, _ := b.ask("", "x"); answer <- status }()
	eventually(t, "the request is at the server", func() bool {
		return b.find(s.ID()).fleets()["main"].pool.Look().InFlight == 1
	})
	c.set(day.Add(19 * time.Hour))
	eventually(t, "it sleeps", func() bool { return b.get(s.ID()).Status.Asleep })
	if status := <-answer; status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	b.noServers()
}

func TestScheduleIsRefused(t *testing.T) {
	t.Parallel()
	b := started(t)
	version := b.version("1", "one")
	tests := []struct {
		name  string
		up    mlops.UpTime
		field string
	}{
		{"up", mlops.UpTime{Up: "at eight", Down: "0 18 * * *"}, "schedule.up"},
		{"down", mlops.UpTime{Up: "0 8 * * *", Down: "0 25 * * *"}, "schedule.down"},
		{"zone", mlops.UpTime{Up: "0 8 * * *", Down: "0 18 * * *", Timezone: "Mars"}, "schedule.up"},
		{"half", mlops.UpTime{Up: "0 8 * * *"}, "schedule"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := b.Create(t.Context(), spec(version, func(s *mlops.ModelEndpointSpec, _ *mlops.Variant) { s.Schedule = &tt.up }))
			if e, ok := errors.AsType[*mlops.Error](err); !ok || e.Code != mlops.Invalid || e.Field != tt.field {
				t.Errorf("error %v, want Invalid at %s", err, tt.field)
			}
		})
	}
}
