package monitors

import (
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// minutes are figures without latencies, as of an engine that has lost them.
func minutes(requests, errors int64, n int) []gateway.Minute {
	out := make([]gateway.Minute, n)
	for i := range out {
		out[i] = gateway.Minute{Start: time.Now().Add(-time.Duration(n-i) * time.Minute), Figures: mlops.Figures{Requests: requests, Errors: errors}}
	}
	return out
}

func TestHealth(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		minutes []gateway.Minute
		asleep  bool
		age     time.Duration // of the monitor, whose window is an hour
		health  mlops.HealthCheck
		want    mlops.MonitorState
		words   string
	}{
		{"no request", nil, false, 0, mlops.HealthCheck{MaxErrorPercent: new(1.0)}, mlops.MonitorNoData, "0 requests so far"},
		{"no errors", minutes(100, 0, 2), false, 0, mlops.HealthCheck{MaxErrorPercent: new(1.0)}, mlops.MonitorOK, ""},
		{"few errors", minutes(100, 1, 2), false, 0, mlops.HealthCheck{MaxErrorPercent: new(1.0)}, mlops.MonitorOK, ""},
		{"errors", minutes(100, 2, 2), false, 0, mlops.HealthCheck{MaxErrorPercent: new(1.0)}, mlops.MonitorViolated, "errors 2 percent (limit 1)"},
		{"errors, and asleep", minutes(100, 2, 2), true, 0, mlops.HealthCheck{MaxErrorPercent: new(1.0)}, mlops.MonitorNoData, "asleep"},
		{"too little traffic", minutes(4, 0, 2), false, 2 * time.Hour, mlops.HealthCheck{MinRequests: 10}, mlops.MonitorViolated, "requests 8"},
		{"no traffic", nil, false, 2 * time.Hour, mlops.HealthCheck{MinRequests: 10}, mlops.MonitorViolated, "requests 0"},
		{"too early to say", minutes(4, 0, 2), false, time.Minute, mlops.HealthCheck{MinRequests: 10}, mlops.MonitorNoData, "8 requests so far"},
		{"enough already", minutes(5, 0, 2), false, time.Minute, mlops.HealthCheck{MinRequests: 10}, mlops.MonitorOK, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.capture(0) // health needs none
			b.watch(func(s *mlops.MonitorSpec) { s.Window, s.Health = mlops.Duration(time.Hour), &tt.health })
			_, err := b.table.Change(t.Context(), monitor, func(tx *store.Tx, r *record) error {
				_, err := tx.ExecContext(t.Context(), "UPDATE objects SET created = ? WHERE id = ?", time.Now().Add(-tt.age).UnixNano(), r.ID)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			b.minutes, b.asleep = tt.minutes, tt.asleep
			if r := b.check(tt.want); !strings.Contains(r.Reason, tt.words) {
				t.Errorf("reason %q, want %q", r.Reason, tt.words)
			}
		})
	}
}

// TestRealLatencies are those that the real gateway measured.
func TestRealLatencies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		limit time.Duration
		want  mlops.MonitorState
	}{
		{"faster", time.Hour, mlops.MonitorOK},
		{"slower", time.Nanosecond, mlops.MonitorViolated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			url, g := b.throughGateway()
			b.Minutes = func(id mlops.ID, since time.Time) []gateway.Minute { return g.Series("dev", id.Name(), since) }
			b.watch(func(s *mlops.MonitorSpec) {
				limit := mlops.Duration(tt.limit)
				s.Health = &mlops.HealthCheck{MaxP50: limit, MaxP95: limit, MaxP99: limit}
			})
			const requests = 20
			for range requests {
				post(t, url+"/dev/churn", `{"instances":[[50,"red"]]}`)
			}
			r := b.check(tt.want).Checks["health"]
			if r.Rows != requests || len(r.Features) != 3 {
				t.Fatalf("%+v", r)
			}
			for _, f := range r.Features {
				if *f.Value <= 0 || f.Statistic != "ms" || f.Violated != (tt.want == mlops.MonitorViolated) {
					t.Errorf("%+v", f)
				}
			}
		})
	}
}
