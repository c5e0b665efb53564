package retrain

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const run mlops.ID = "local/dev/pipelines/train/runs/r-1"

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestViolated(t *testing.T) {
	t.Parallel()
	hourly := mlops.OnViolation{Cooldown: mlops.Duration(time.Hour), MaxPerMonth: new(int64(2))}
	last := at("2026-03-10T12:00:00Z")
	tests := []struct {
		name      string
		before    mlops.Retraining
		on        mlops.OnViolation
		now       time.Time
		want      mlops.Retraining
		wantStart bool
	}{
		{
			"the first time",
			mlops.Retraining{},
			hourly, last,
			mlops.Retraining{State: mlops.RetrainingRunning, LastAt: last, ThisMonth: 1},
			true,
		},
		{
			"a run is under way, however long",
			mlops.Retraining{State: mlops.RetrainingRunning, LastRun: run, LastAt: last, ThisMonth: 1},
			hourly, last.AddDate(0, 2, 0),
			mlops.Retraining{State: mlops.RetrainingRunning, LastRun: run, LastAt: last, ThisMonth: 1},
			false,
		},
		{
			"too soon after a success",
			mlops.Retraining{State: mlops.RetrainingDone, LastRun: run, LastAt: last, ThisMonth: 1},
			hourly, last.Add(time.Hour - 1),
			mlops.Retraining{
				State: mlops.RetrainingCooling, LastRun: run, LastAt: last, ThisMonth: 1,
				Reason: "the last start was at 2026-03-10T12:00:00Z, and the cooldown of 1h0m0s is not over",
			},
			false,
		},
		{
			"too soon after a failure, which stays to be read",
			mlops.Retraining{State: mlops.RetrainingFailed, LastRun: run, LastAt: last, ThisMonth: 1, Reason: "no memory"},
			hourly, last.Add(1),
			mlops.Retraining{
				State: mlops.RetrainingCooling, LastRun: run, LastAt: last, ThisMonth: 1,
				Reason: "the last start was at 2026-03-10T12:00:00Z, and the cooldown of 1h0m0s is not over; no memory",
			},
			false,
		},
		{
			"still too soon",
			mlops.Retraining{State: mlops.RetrainingCooling, LastAt: last, ThisMonth: 1, Reason: "as before"},
			hourly, last.Add(2),
			mlops.Retraining{State: mlops.RetrainingCooling, LastAt: last, ThisMonth: 1, Reason: "as before"},
			false,
		},
		{
			"cooled down",
			mlops.Retraining{State: mlops.RetrainingCooling, LastRun: run, LastAt: last, ThisMonth: 1, Reason: "as before"},
			hourly, last.Add(time.Hour),
			mlops.Retraining{State: mlops.RetrainingRunning, LastAt: last.Add(time.Hour), ThisMonth: 2},
			true,
		},
		{
			"the month is used up",
			mlops.Retraining{State: mlops.RetrainingDone, LastAt: last, ThisMonth: 2},
			hourly, last.AddDate(0, 0, 5),
			mlops.Retraining{State: mlops.RetrainingExceeded, LastAt: last, ThisMonth: 2, Reason: "the pipeline was started 2 times this month, of max_per_month = 2"},
			false,
		},
		{
			"another month, UTC, whatever the zone",
			mlops.Retraining{State: mlops.RetrainingExceeded, LastAt: at("2026-03-31T22:00:00Z"), ThisMonth: 2},
			hourly, at("2026-03-31T23:00:00-02:00"),
			mlops.Retraining{State: mlops.RetrainingRunning, LastAt: at("2026-03-31T23:00:00-02:00"), ThisMonth: 1},
			true,
		},
		{
			"the same month of another year",
			mlops.Retraining{State: mlops.RetrainingExceeded, LastAt: last, ThisMonth: 2},
			hourly, last.AddDate(1, 0, 0),
			mlops.Retraining{State: mlops.RetrainingRunning, LastAt: last.AddDate(1, 0, 0), ThisMonth: 1},
			true,
		},
		{
			"never",
			mlops.Retraining{},
			mlops.OnViolation{MaxPerMonth: new(int64(0))},
			last,
			mlops.Retraining{State: mlops.RetrainingExceeded, Reason: "the pipeline was started 0 times this month, of max_per_month = 0"},
			false,
		},
		{
			"silence is a day",
			mlops.Retraining{State: mlops.RetrainingDone, LastAt: last, ThisMonth: 1},
			mlops.OnViolation{},
			last.Add(24 * time.Hour),
			mlops.Retraining{State: mlops.RetrainingRunning, LastAt: last.Add(24 * time.Hour), ThisMonth: 2},
			true,
		},
		{
			"silence is four",
			mlops.Retraining{State: mlops.RetrainingDone, LastAt: last, ThisMonth: 4},
			mlops.OnViolation{},
			last.Add(48 * time.Hour),
			mlops.Retraining{State: mlops.RetrainingExceeded, LastAt: last, ThisMonth: 4, Reason: "the pipeline was started 4 times this month, of max_per_month = 4"},
			false,
		},
		{
			"the clock was set back a year: the cooldown begins again",
			mlops.Retraining{State: mlops.RetrainingDone, LastAt: last, ThisMonth: 1},
			hourly, last.AddDate(-1, 0, 0),
			mlops.Retraining{
				State: mlops.RetrainingCooling, LastAt: last.AddDate(-1, 0, 0), ThisMonth: 1,
				Reason: "the last start was at 2025-03-10T12:00:00Z, and the cooldown of 1h0m0s is not over",
			},
			false,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, start := Violated(tt.before, tt.on, tt.now)
			if d := cmp.Diff(tt.want, got); d != "" || start != tt.wantStart {
				t.Errorf("start %t, want %t (-want +got):\n%s", start, tt.wantStart, d)
			}
		})
	}
}

// TestNeverTooMany has violations come all the time, runs end as they like, and
// the clock jump in both directions: starts stay a cooldown of clock time that
// really went by apart, and no more than the month's in a month.
func TestNeverTooMany(t *testing.T) {
	t.Parallel()
	const seeds, steps = 200, 2000
	for seed := range uint64(seeds) {
		rng := rand.New(rand.NewPCG(seed, 1))
		cooldown := time.Duration(1+rng.IntN(72)) * time.Hour
		most := int64(1 + rng.IntN(5))
		on := mlops.OnViolation{Cooldown: mlops.Duration(cooldown), MaxPerMonth: &most}
		now := at("2026-01-30T00:00:00Z")
		var r mlops.Retraining
		var forward time.Duration // since the last start
		var started, months int64 = 0, 1
		for range steps {
			before := now
			now = now.Add(step(rng))
			forward += max(0, now.Sub(before))
			if now.After(before) {
				months += int64(now.Month()) - int64(before.Month()) + 12*int64(now.Year()-before.Year())
			}
			var start bool
			r, start = Violated(r, on, now)
			if start {
				if started > 0 && forward < cooldown {
					t.Fatalf("seed %d: a start after %s, with a cooldown of %s", seed, forward, cooldown)
				}
				started, forward = started+1, 0
			}
			r = end(rng, r)
		}
		if started > most*months {
			t.Fatalf("seed %d: %d starts in %d months of %d each", seed, started, months, most)
		}
		if started == 0 {
			t.Fatalf("seed %d: never a start", seed)
		}
	}
}

// step is how far a clock goes: mostly a little, now and then far, or back.
func step(rng *rand.Rand) time.Duration {
	switch rng.IntN(40) {
	case 0:
		return -time.Duration(rng.IntN(60*24)) * time.Hour
	case 1:
		return time.Duration(rng.IntN(60*24)) * time.Hour
	}
	return time.Duration(rng.IntN(5)) * time.Hour
}

// end has a run end, perhaps.
func end(rng *rand.Rand, r mlops.Retraining) mlops.Retraining {
	if r.State != mlops.RetrainingRunning {
		return r
	}
	switch rng.IntN(4) {
	case 0:
		return Succeeded(Started(r, run, nil))
	case 1:
		return Failed(Started(r, run, nil), "no luck")
	case 2:
		return Started(r, "", errors.New("no pipeline"))
	}
	return r
}

// TestClockWasWrongForAWhile: a start of the year 2099 does not shut the pipeline
// out until then.
func TestClockWasWrongForAWhile(t *testing.T) {
	t.Parallel()
	on := mlops.OnViolation{Cooldown: mlops.Duration(time.Hour)}
	r, start := Violated(mlops.Retraining{}, on, at("2099-01-01T00:00:00Z"))
	if !start {
		t.Fatal("no start")
	}
	now := at("2026-03-10T12:00:00Z")
	r, start = Violated(Succeeded(r), on, now)
	if start {
		t.Error("a start as soon as the clock was set right")
	}
	if _, start = Violated(r, on, now.Add(time.Hour)); !start {
		t.Error("no start when the cooldown is over")
	}
}

func TestStanding(t *testing.T) {
	t.Parallel()
	last := at("2026-03-31T12:00:00Z")
	two := mlops.OnViolation{Cooldown: mlops.Duration(48 * time.Hour), MaxPerMonth: new(int64(2))}
	tests := []struct {
		name   string
		before mlops.Retraining
		on     *mlops.OnViolation
		now    time.Time
		want   mlops.Retraining
	}{
		{"nothing yet", mlops.Retraining{}, &two, last, mlops.Retraining{State: mlops.RetrainingIdle}},
		{"none asked for", mlops.Retraining{State: mlops.RetrainingDone, LastAt: last, ThisMonth: 1}, nil, last, mlops.Retraining{State: mlops.RetrainingDone, LastAt: last, ThisMonth: 1}},
		{
			"the cooldown outlasts the month",
			mlops.Retraining{State: mlops.RetrainingDone, LastAt: last, ThisMonth: 2},
			&two, last.Add(time.Hour),
			mlops.Retraining{State: mlops.RetrainingDone, LastAt: last, ThisMonth: 2, NextAllowed: last.Add(48 * time.Hour)},
		},
		{
			"the month outlasts the cooldown",
			mlops.Retraining{State: mlops.RetrainingDone, LastAt: at("2026-12-05T00:00:00Z"), ThisMonth: 2},
			&two, at("2026-12-20T00:00:00Z"),
			mlops.Retraining{State: mlops.RetrainingDone, LastAt: at("2026-12-05T00:00:00Z"), ThisMonth: 2, NextAllowed: at("2027-01-01T00:00:00Z")},
		},
		{
			"all is possible again",
			mlops.Retraining{State: mlops.RetrainingDone, LastAt: last, ThisMonth: 2, NextAllowed: last},
			&two, last.AddDate(0, 1, 0),
			mlops.Retraining{State: mlops.RetrainingDone, LastAt: last},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tt.want, Standing(tt.before, tt.on, tt.now)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestStartedWithoutARun(t *testing.T) {
	t.Parallel()
	r, _ := Violated(mlops.Retraining{}, mlops.OnViolation{}, at("2026-03-10T12:00:00Z"))
	r = Started(r, "", mlops.NewError(mlops.NotFound, errors.New("there is no pipeline")))
	if r.State != mlops.RetrainingFailed || !strings.Contains(r.Reason, "there is no pipeline") || r.ThisMonth != 1 {
		t.Errorf("%+v", r)
	}
}
