package gateway

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestLeastInFlight(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	release := make(chan struct{})
	var busy, idle atomic.Int64
	slow := upstream(t, func(http.ResponseWriter, *http.Request) { busy.Add(1); <-release })
	fast := upstream(t, func(http.ResponseWriter, *http.Request) { idle.Add(1) })
	p := pool(slow)
	b.put(nil, variant("a", 100, Passthrough, p))
	done := make(chan struct{})
	go func() { defer close(done); b.do("GET", "/dev/churn", "") }()
	eventually(t, "the slow replica has a request", func() bool { return busy.Load() == 1 })
	p.Add(fast)
	for range 20 {
		b.do("GET", "/dev/churn", "")
	}
	close(release)
	<-done
	if busy.Load() != 1 || idle.Load() != 20 {
		t.Errorf("busy replica %d, idle replica %d; want 1 and 20", busy.Load(), idle.Load())
	}
}

func TestRequestsAreHeldUntilAReplicaIsReady(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	woken := make(chan struct{}, 10)
	p := NewPool(10, func() { woken <- struct{}{} })
	b.put(nil, variant("a", 100, Passthrough, p))
	got := make(chan int, 3)
	for range 3 {
		go func() { got <- b.do("POST", "/dev/churn", "held").status }()
	}
	for range 3 {
		<-woken
	}
	if l := p.Look(); l.Waiting != 3 || l.InFlight != 0 {
		t.Errorf("load %+v; want 3 waiting", l)
	}
	p.Add(upstream(t, echo))
	for range 3 {
		if s := <-got; s != 200 {
			t.Errorf("held request: %d", s)
		}
	}
	if l := p.Load(); l.Waiting != 0 || l.InFlight != 0 || l.Concurrency <= 0 {
		t.Errorf("load afterwards %+v", l)
	}
}

func TestNoReplica(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		queue int
		want  string
	}{
		{"the queue is full", 0, "too many"},
		{"none in time", 10, "in time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, Config{Hold: time.Millisecond})
			b.put(nil, variant("a", 100, Passthrough, NewPool(tt.queue, nil)))
			got := b.do("GET", "/dev/churn", "")
			if got.status != 503 || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, tt.want) {
				t.Errorf("got %d %v %s", got.status, got.header, got.body)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	stop := make(chan struct{})
	hung := upstream(t, func(http.ResponseWriter, *http.Request) { <-stop })
	t.Cleanup(func() { close(stop) })
	b.put(func(r *Route) { r.Timeout = 20 * time.Millisecond }, variant("a", 100, Passthrough, pool(hung)))
	if got := b.do("GET", "/dev/churn", ""); got.status != 504 {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

// deadAddress is an address that refuses connections.
func deadAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func TestRefusedConnectionGoesToAnotherReplica(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	b.put(nil, variant("a", 100, Passthrough, pool(NewUpstream(deadAddress(t)), upstream(t, echo))))
	large := strings.Repeat("x", captureBody+10)
	for i, body := range []string{"", "small", large, "", "small", large} {
		if got := b.do("POST", "/dev/churn", body); got.status != 200 || !strings.Contains(got.body, body) {
			t.Errorf("request %d: %d, %d bytes", i, got.status, len(got.body))
		}
	}
}

func TestBrokenConnectionIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	var calls atomic.Int64
	breaking := func(http.ResponseWriter, *http.Request) { calls.Add(1); panic(http.ErrAbortHandler) }
	b.put(nil, variant("a", 100, Passthrough, pool(upstream(t, breaking), upstream(t, breaking))))
	if got := b.do("POST", "/dev/churn", "once"); got.status != 502 || calls.Load() != 1 {
		t.Errorf("got %d after %d calls; want 502 after one", got.status, calls.Load())
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	began, release := make(chan struct{}), make(chan struct{})
	u := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		close(began)
		<-release
		_, _ = io.WriteString(w, "whole")
	})
	p := pool(u)
	b.put(nil, variant("a", 100, Passthrough, p))
	got := make(chan answer, 1)
	go func() { got <- b.do("GET", "/dev/churn", "") }()
	<-began
	drained := p.Remove(u)
	select {
	case <-drained:
		t.Fatal("drained with a request in flight")
	default:
	}
	close(release)
	if a := <-got; a.body != "whole" {
		t.Errorf("answer %+v", a)
	}
	select {
	case <-drained:
	case <-time.After(patience):
		t.Error("never drained")
	}
}

// TestSwitchUnderLoad replaces what serves again and again while requests come
// in, as a roll does.
func TestSwitchUnderLoad(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	first := upstream(t, echo)
	old := pool(first)
	b.put(nil, variant("a", 100, Passthrough, old))
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var served, failed atomic.Int64
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if got := b.do("POST", "/dev/churn", "x"); got.status == 200 { //nolint:contextcheck // requests in flight are to be answered
					served.Add(1)
				} else {
					failed.Add(1)
				}
			}
		})
	}
	for range 20 {
		before := served.Load()
		eventually(t, "requests are served", func() bool { return served.Load() >= before+10 || failed.Load() > 0 })
		s := httptest.NewServer(http.HandlerFunc(echo))
		t.Cleanup(s.Close)
		next := NewUpstream(s.Listener.Addr().String())
		now := pool(next)
		b.put(nil, variant("a", 100, Passthrough, now))
		old.Close()
		<-old.Remove(first)
		first, old = next, now
	}
	stop()
	wg.Wait()
	if failed.Load() > 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), failed.Load()+served.Load())
	}
}

// TestRefusedByAVariantThatIsWithdrawn sends a request to a variant whose only
// replica is gone, and withdraws the variant while the request waits: it is
// answered by what is served then.
func TestRefusedByAVariantThatIsWithdrawn(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	gone := httptest.NewServer(http.HandlerFunc(echo))
	dead := pool(NewUpstream(gone.Listener.Addr().String()))
	gone.Close()
	b.put(nil, variant("new", 100, Passthrough, dead))
	answers := make(chan answer, 1)
	go func() { answers <- b.do("POST", "/dev/churn/x?y=z", `{"instances": []}`, "X-Request-Id", "id-1") }()
	eventually(t, "the request waits", func() bool { return dead.Look().Waiting == 1 })
	b.put(nil, variant("old", 100, Passthrough, pool(upstream(t, echo))))
	dead.Close()
	got := <-answers
	if got.status != 200 || got.body != `POST /x?y=z {"instances": []} id-1` || got.header.Get("X-Mlops-Variant") != "old" {
		t.Errorf("got %d %q from %q", got.status, got.body, got.header.Get("X-Mlops-Variant"))
	}
}
