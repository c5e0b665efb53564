package serving

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// traffic is what the new versions get in one second of a trial.
type traffic struct {
	good, bad int
	took      time.Duration // of each; longer than a trial is a server that hangs
}

// feed sends traffic through a meter until ctx ends, second by second.
func feed(ctx context.Context, m *gateway.Meter, at func(second int) traffic) {
	for n := 0; ctx.Err() == nil; n++ {
		now := at(n)
		for i := range now.good + now.bad {
			p := m.Begin(time.Now())
			time.AfterFunc(now.took, func() { p.End(i < now.bad) })
		}
		sleep(ctx, time.Second)
	}
}

func always(t traffic) func(int) traffic { return func(int) traffic { return t } }

// TestTrial observes steps of an hour, in no time.
func TestTrial(t *testing.T) {
	t.Parallel()
	const bake = time.Hour
	healthy := traffic{good: 20, took: 30 * time.Millisecond}
	tests := []struct {
		name  string
		gates *mlops.Gates
		at    func(second int) traffic
		want  string // part of the error; "" passes
		after time.Duration
		slack time.Duration
	}{
		{"no gates", nil, always(traffic{bad: 10}), "", bake, 0},
		{"nothing to judge", &mlops.Gates{MaxErrorPercent: new(0.0)}, always(traffic{}), "", bake, 0},
		{"all good", &mlops.Gates{MaxErrorPercent: new(0.0), MaxP99: mlops.Duration(50 * time.Millisecond), MinRequests: 1000}, always(healthy), "", bake, 0},
		{"some errors below the limit", &mlops.Gates{MaxErrorPercent: new(6.0)}, always(traffic{good: 19, bad: 1}), "", bake, 0},
		{
			"a bad start is forgiven", &mlops.Gates{MaxErrorPercent: new(5.0), MaxP95: mlops.Duration(time.Second)},
			func(n int) traffic {
				if n < 60 {
					return traffic{bad: 20, took: 3 * time.Second}
				}
				return healthy
			}, "", bake, 0,
		},
		{"errors above the limit", &mlops.Gates{MaxErrorPercent: new(5.0)}, always(traffic{good: 9, bad: 1, took: time.Millisecond}), "10.00 % of", bake / 2, time.Minute},
		{"all fail", &mlops.Gates{MaxErrorPercent: new(5.0)}, always(traffic{bad: 10, took: time.Millisecond}), "100.00 % of", bake / 20, time.Minute},
		{"one error too many", &mlops.Gates{MaxErrorPercent: new(0.0)}, func(n int) traffic {
			if n == 1000 {
				return traffic{bad: 1}
			}
			return healthy
		}, "max_error_percent = 0", 1000 * time.Second, time.Second},
		{"slow median", &mlops.Gates{MaxP50: mlops.Duration(20 * time.Millisecond)}, always(healthy), "max_p50 = 20ms", bake / 2, time.Minute},
		{"slow tail", &mlops.Gates{MaxP99: mlops.Duration(100 * time.Millisecond)}, func(n int) traffic {
			if n%10 == 0 {
				return traffic{good: 20, took: 200 * time.Millisecond}
			}
			return healthy
		}, "max_p99 = 100ms", bake / 10, time.Minute},
		{"hangs", &mlops.Gates{MaxP95: mlops.Duration(time.Second)}, always(traffic{good: 5, took: 100 * time.Hour}), "max_p95 = 1s", bake / 20, time.Minute},
		{"too few", &mlops.Gates{MinRequests: 100_000, Wait: mlops.Duration(20 * time.Minute)}, always(traffic{good: 1, took: time.Millisecond}), "too few requests", bake + 20*time.Minute, 0},
		{"none, for the default wait", &mlops.Gates{MinRequests: 1}, always(traffic{}), "min_requests = 1, measured 0 requests", bake + mlops.DefaultGateWait, 0},
		{"enough in the end", &mlops.Gates{MinRequests: 3900, MaxErrorPercent: new(1.0), Wait: mlops.Duration(20 * time.Minute)}, always(traffic{good: 1, took: time.Millisecond}), "", 3899 * time.Second, time.Second},
		{"enough in the end, and bad", &mlops.Gates{MinRequests: 3900, MaxErrorPercent: new(1.0), Wait: mlops.Duration(20 * time.Minute)}, always(traffic{bad: 1, took: time.Millisecond}), "100.00 % of 3900", 3899 * time.Second, time.Second},
		{"none answered yet", &mlops.Gates{MaxErrorPercent: new(1.0)}, func(n int) traffic {
			if n == 0 {
				return traffic{bad: 1, took: bake + time.Minute}
			}
			return traffic{}
		}, "100.00 % of 1 requests", bake + time.Minute, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := gateway.NewMeter()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go feed(ctx, m, tt.at)
				tr := trial{gates: tt.gates, bake: bake, look: 250 * time.Millisecond, read: m.Read, dead: func() error { return nil }, seen: func(mlops.Figures) {}}
				began := time.Now()
				err := tr.observe(ctx)
				if took := time.Since(began); took < tt.after || took > tt.after+tt.slack+tr.look {
					t.Errorf("it took %s, want %s", took, tt.after)
				}
				if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want one with %q", err, tt.want)
				}
				if err != nil && !strings.Contains(err.Error(), "p50 ") {
					t.Errorf("error %q lacks the figures", err)
				}
			})
		})
	}
}

func TestTrialIsBrokenOff(t *testing.T) {
	t.Parallel()
	t.Run("by a newer change", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Minute, func() { cancel(errSuperseded) })
			tr := trial{bake: time.Hour, look: time.Second, read: gateway.NewMeter().Read, dead: func() error { return nil }, seen: func(mlops.Figures) {}}
			if err := tr.observe(ctx); !errors.Is(err, errSuperseded) {
				t.Errorf("error %v", err)
			}
		})
	})
	t.Run("by a server that fails", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			began, crash := time.Now(), errors.New("killed")
			tr := trial{bake: time.Hour, look: time.Second, read: gateway.NewMeter().Read, seen: func(mlops.Figures) {}, dead: func() error {
				if time.Since(began) > time.Minute {
					return crash
				}
				return nil
			}}
			if err := tr.observe(t.Context()); !errors.Is(err, crash) || time.Since(began) > 2*time.Minute {
				t.Errorf("error %v after %s", err, time.Since(began))
			}
		})
	})
}
