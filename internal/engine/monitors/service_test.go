package monitors

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// wantChecksAfter lets a time pass in a bubble and counts the checks so far.
func (b *bench) wantChecksAfter(d time.Duration, want int) {
	b.t.Helper()
	time.Sleep(d)
	synctest.Wait()
	kept, err := b.History(b.t.Context(), monitor)
	if err != nil {
		b.t.Fatal(err)
	}
	if len(kept) != want {
		b.t.Fatalf("after %s there are %d checks, want %d", d, len(kept), want)
	}
}

func healthy(schedule mlops.Schedule) mlops.MonitorSpec {
	return spec(func(s *mlops.MonitorSpec) {
		s.Schedule, s.Health = schedule, &mlops.HealthCheck{MaxErrorPercent: new(1.0)}
	})
}

func (b *bench) reschedule(schedule mlops.Schedule) {
	b.t.Helper()
	if _, err := b.Update(b.t.Context(), monitor, healthy(schedule)); err != nil {
		b.t.Fatal(err)
	}
}

func TestScheduledChecks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.follow()
		b.watch(func(s *mlops.MonitorSpec) { *s = healthy(mlops.Schedule{Cron: "*/10 * * * *"}) })
		b.wantChecksAfter(35*time.Minute, 3)
		for _, r := range must(b.History(t.Context(), monitor))(t) {
			if late := r.At.Sub(r.At.Truncate(10 * time.Minute)); late > lookEvery {
				t.Errorf("a check is %s late", late)
			}
		}
		b.reschedule(mlops.Schedule{Cron: "*/10 * * * *", Disabled: true})
		if next := b.get().Status.NextCheck; !next.IsZero() {
			t.Errorf("the next check is at %s, and the schedule is off", next)
		}
		b.wantChecksAfter(time.Hour, 3)
		b.reschedule(mlops.Schedule{Cron: "*/10 * * * *"}) // at 01:35: what was missed is not made up for
		b.wantChecksAfter(time.Minute, 3)
		b.wantChecksAfter(5*time.Minute, 4)
		b.reschedule(mlops.Schedule{Cron: "0 * * * *"})
		b.wantChecksAfter(15*time.Minute, 4)
		b.wantChecksAfter(5*time.Minute, 5)
		if err := b.Delete(t.Context(), monitor); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour) // and nobody fails over it
	})
}

// TestDowntime: of the checks that were missed one is made up for.
func TestDowntime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		end := b.follow()
		b.watch(func(s *mlops.MonitorSpec) { *s = healthy(mlops.Schedule{Cron: "*/10 * * * *"}) })
		b.wantChecksAfter(15*time.Minute, 1)
		end()
		b.wantChecksAfter(72*time.Hour, 1)
		b = b.reopen()
		b.follow()
		b.wantChecksAfter(time.Minute, 2)
		b.wantChecksAfter(time.Minute, 2)
		b.wantChecksAfter(10*time.Minute, 3)
	})
}

// TestClockJumps: forward is one check, back none too many, and neither is the end
// of checks.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		jump := time.Duration(0)
		b.now = func() time.Time { return time.Now().Add(jump) }
		b.watch(func(s *mlops.MonitorSpec) { *s = healthy(mlops.Schedule{Cron: "*/10 * * * *"}) })
		checks := 0
		look := func(want int, what string) {
			t.Helper()
			before, err := b.History(t.Context(), monitor)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 { // looking often changes nothing
				b.lookNow()
				time.Sleep(lookEvery)
			}
			after, err := b.History(t.Context(), monitor)
			if err != nil {
				t.Fatal(err)
			}
			checks += len(after) - len(before)
			if checks != want {
				t.Fatalf("%s: %d checks, want %d", what, checks, want)
			}
		}
		look(0, "at first")
		time.Sleep(10 * time.Minute)
		look(1, "ten minutes later")
		jump = 30 * 24 * time.Hour
		look(2, "a month ahead")
		jump = -365 * 24 * time.Hour
		look(2, "a year back")
		time.Sleep(10 * time.Minute)
		look(3, "ten minutes after that")
		jump = 0
		look(4, "right again")
		time.Sleep(10 * time.Minute)
		look(5, "and on it goes")
	})
}

// TestCrashingCheckIsNotRepeated: that a check is due is crossed off before it is
// made.
func TestCrashingCheckIsNotRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.watch(func(s *mlops.MonitorSpec) { *s = healthy(mlops.Schedule{Cron: "*/10 * * * *"}) })
		b.lookNow()
		crashes := 0
		b.Minutes = func(mlops.ID, time.Time) []gateway.Minute {
			crashes++
			panic("as if killed")
		}
		time.Sleep(11 * time.Minute)
		for range 3 {
			func() {
				defer func() { _ = recover() }()
				b.lookNow()
			}()
		}
		if crashes != 1 {
			t.Errorf("the check was begun %d times", crashes)
		}
	})
}

// TestOneMonitorsTrouble does not keep others from being checked.
func TestOneMonitorsTrouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		sick := healthy(mlops.Schedule{Cron: "*/10 * * * *"})
		sick.Name = "a-sick-one"
		if _, err := b.Create(t.Context(), sick); err != nil {
			t.Fatal(err)
		}
		b.watch(func(s *mlops.MonitorSpec) { *s = healthy(mlops.Schedule{Cron: "*/10 * * * *"}) })
		_, err := b.table.Change(t.Context(), sick.ID(), func(_ *store.Tx, r *record) error {
			r.Spec.Schedule.Cron = "no schedule"
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		b.follow()
		b.wantChecksAfter(11*time.Minute, 1)
	})
}

// must returns a value that comes without an error.
func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}
