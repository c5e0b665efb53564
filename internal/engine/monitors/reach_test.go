package monitors

import (
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestReach: a window goes back no further than what it needs is kept.
func TestReach(t *testing.T) {
	t.Parallel()
	requests := &mlops.HealthCheck{MinRequests: 1}
	judged := func(delay mlops.Duration) *mlops.ModelQualityCheck {
		return &mlops.ModelQualityCheck{Task: "classification", Min: map[string]float64{"accuracy": 0.5}, Delay: delay}
	}
	tests := []struct {
		name    string
		kept    time.Duration // captures; 0 is for ever
		window  time.Duration
		health  *mlops.HealthCheck
		quality *mlops.ModelQualityCheck
		want    string
	}{
		{"requests of two days", time.Hour, 48 * time.Hour, requests, nil, ""},
		{"requests of more", time.Hour, 48*time.Hour + 1, requests, nil, "requests are counted for 48h0m0s"},
		{"other figures of more", time.Hour, 49 * time.Hour, &mlops.HealthCheck{MaxErrorPercent: new(1.0)}, nil, ""},
		{"captures for ever", 0, 1000 * time.Hour, nil, judged(0), ""},
		{"captures as long as the window", time.Hour, time.Hour, nil, judged(0), ""},
		{"captures for less", time.Hour, time.Hour + 1, nil, judged(0), "local/dev keeps captures for 1h0m0s, less than the window of 1h0m0.000000001s"},
		{"captures for less than the default", 23 * time.Hour, 0, nil, judged(0), "less than the window of 24h0m0s"},
		{"captures for less than the delay", time.Hour, time.Hour, nil, judged(1), "model_quality.delay"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			_, err := b.store.Environments().Change(t.Context(), environment, func(_ *store.Tx, r *store.Record[mlops.EnvironmentSpec, mlops.EnvironmentStatus]) error {
				r.Spec.Retention = &mlops.Retention{Captures: mlops.Duration(tt.kept)}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = b.Create(t.Context(), spec(func(s *mlops.MonitorSpec) {
				s.Window, s.Health, s.ModelQuality = mlops.Duration(tt.window), tt.health, tt.quality
			}))
			if tt.want != "" {
				wantError(t, err, mlops.Invalid, "window", tt.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}
