package serving

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestScaler feeds a scaler one load a second.
func TestScaler(t *testing.T) {
	t.Parallel()
	const up, down = 2 * time.Second, 10 * time.Second
	begin := time.Unix(1_000_000, 0)
	steady := func(load float64, seconds int) []float64 {
		out := make([]float64, seconds)
		for i := range out {
			out[i] = load
		}
		return out
	}
	join := func(parts ...[]float64) (all []float64) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	tests := []struct {
		name  string
		b     bounds
		size  int
		loads []float64
		want  int
	}{
		{"no load keeps the least", bounds{low: 1, high: 4, concurrency: 2}, 1, steady(0, 20), 1},
		{"load asks for more at once", bounds{low: 1, high: 4, concurrency: 2}, 1, steady(5, 1), 3},
		{"never more than the most", bounds{low: 1, high: 4, concurrency: 2}, 1, steady(100, 5), 4},
		{"a dip changes nothing", bounds{low: 1, high: 4, concurrency: 2}, 1, join(steady(7, 20), steady(0, 8)), 4},
		{"a calm makes it fewer", bounds{low: 1, high: 4, concurrency: 2}, 1, join(steady(7, 20), steady(3, 15)), 2},
		{"what it starts with stays for a while", bounds{low: 1, high: 4, concurrency: 2}, 3, steady(0, 5), 3},
		{"idle but not for long", bounds{low: 0, high: 4, concurrency: 2, idleAfter: time.Minute}, 1, steady(0, 50), 1},
		{"idle long enough sleeps", bounds{low: 0, high: 4, concurrency: 2, idleAfter: time.Minute}, 1, steady(0, 70), 0},
		{"asleep stays asleep", bounds{low: 0, high: 4, concurrency: 2, idleAfter: time.Minute}, 0, steady(0, 5), 0},
		{"asleep wakes on a request", bounds{low: 0, high: 4, concurrency: 2, idleAfter: time.Minute}, 0, steady(1, 1), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var s scaler
			size, used := tt.size, begin
			for i, load := range tt.loads {
				now := begin.Add(time.Duration(i) * time.Second)
				if load > 0 {
					used = now
				}
				l := gateway.Load{Concurrency: load, InFlight: int(load), Used: used}
				size = s.decide(now, l, size, tt.b, up, down)
			}
			if size != tt.want {
				t.Errorf("%d servers, want %d", size, tt.want)
			}
		})
	}
}

func TestScalesWithLoad(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	s := spec(b.id("1"), scaling(1, 3, 1, 0), env("DELAY", "200ms"))
	b.ready(s)
	ready := func() int64 { return b.get(s.ID()).Status.Replicas["main"] }
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if status, _, _ := b.ask("", "x"); status != http.StatusOK {
					t.Errorf("status %d", status)
				}
			}
		})
	}
	eventually(t, "three servers", func() bool { return ready() == 3 })
	close(stop)
	wg.Wait()
	eventually(t, "one server again", func() bool { return ready() == 1 && len(b.servers()) == 2 })
}

func TestScalesToZeroAndWakes(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	s := spec(b.id("1"), scaling(0, 2, 4, 100*time.Millisecond))
	b.ready(s)
	for range 2 {
		eventually(t, "no server", func() bool { return len(b.servers()) == 0 })
		if o := b.get(s.ID()); o.Phase != mlops.PhaseReady || o.Status.Replicas["main"] != 0 {
			t.Errorf("asleep it is %s with %v", o.Phase, o.Status.Replicas)
		}
		b.wantModel("one") // held until there is one
	}
	eventually(t, "no server", func() bool { return len(b.servers()) == 0 })
	b.suspend()
	b.start()
	if left := b.servers(); len(left) > 0 {
		t.Errorf("a restart woke %v", left)
	}
	b.wantModel("one")
}
