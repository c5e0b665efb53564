package verbs

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestRecent proves who reads and who gets what another has read.
func TestRecent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(t *testing.T, r *recentReads)
		want int // reads
	}{
		{"many at once", func(t *testing.T, r *recentReads) {
			t.Helper()
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() { r.get(t, "a") })
			}
			all.Wait()
		}, 1},
		{"a little later", func(t *testing.T, r *recentReads) {
			t.Helper()
			r.get(t, "a")
			time.Sleep(2 * time.Second) // a read takes one
			r.get(t, "a")
		}, 1},
		{"much later", func(t *testing.T, r *recentReads) {
			t.Helper()
			r.get(t, "a")
			time.Sleep(5 * time.Second)
			r.get(t, "a")
		}, 2},
		{"something else", func(t *testing.T, r *recentReads) { t.Helper(); r.get(t, "a"); r.get(t, "b") }, 2},
		{"what was forgotten", func(t *testing.T, r *recentReads) { t.Helper(); r.get(t, "a"); r.Forget("a"); r.get(t, "a") }, 2},
		{"what was forgotten while it was read", func(t *testing.T, r *recentReads) {
			t.Helper()
			time.AfterFunc(time.Second/2, func() { r.Forget("a") })
			r.get(t, "a")
			r.get(t, "a")
		}, 2},
		{"what was written", func(t *testing.T, r *recentReads) { t.Helper(); r.Keep("a", 7); r.get(t, "a") }, 0},
		{"what was written while it was read", func(t *testing.T, r *recentReads) {
			t.Helper()
			time.AfterFunc(time.Second/2, func() { r.Keep("a", 7) })
			r.get(t, "a")
			if r.get(t, "a") != 7 {
				t.Error("what was read took the place of what was written")
			}
		}, 1},
		{"what failed", func(t *testing.T, r *recentReads) {
			t.Helper()
			r.fail = true
			r.get(t, "a")
			r.fail = false
			r.get(t, "a")
		}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := &recentReads{}
				if tt.do(t, r); r.n != tt.want {
					t.Errorf("read %d times, want %d", r.n, tt.want)
				}
			})
		})
	}
}

// recentReads counts reads, each of which takes a second and finds how many there were.
type recentReads struct {
	Recent[string, int]

	n    int
	fail bool
}

func (r *recentReads) get(t *testing.T, key string) int {
	t.Helper()
	got, err := r.Get(t.Context(), key, 5*time.Second, func(context.Context) (int, error) {
		time.Sleep(time.Second)
		if r.n++; r.fail {
			return 0, errors.New("it failed")
		}
		return r.n, nil
	})
	if (err != nil) != r.fail {
		t.Errorf("got error %v, want one: %t", err, r.fail)
	}
	return got
}
