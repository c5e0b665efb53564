package gateway

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// shadowed puts a route whose requests are all copied to a server.
func (b *bench) shadowed(change func(*Route), server http.HandlerFunc) *Meter {
	b.t.Helper()
	m := NewMeter()
	copies := variant("a", 100, Passthrough, pool(upstream(b.t, server)))
	copies.Version, copies.Meter = "local/dev/models/m/versions/2", m
	b.put(func(r *Route) {
		r.Shadow = &Shadow{Percent: 100, Variants: []Variant{copies}}
		if change != nil {
			change(r)
		}
	}, variant("a", 100, Passthrough, pool(upstream(b.t, echo))))
	return m
}

func TestShadowGetsCopies(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	type seen struct{ request, id, secret string }
	got := make(chan seen, 10)
	m := b.shadowed(func(r *Route) { r.Token = "secret" }, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- seen{fmt.Sprintf("%s %s %s", r.Method, r.URL.RequestURI(), body), r.Header.Get("X-Request-Id"), r.Header.Get("Authorization")}
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "nonsense")
	})
	answer := b.do("POST", "/dev/churn/p%2Fq?x=1", "body", "X-Request-Id", "id-1", "Authorization", "Bearer secret")
	if answer.status != 200 || answer.body != "POST /p%2Fq?x=1 body id-1" {
		t.Errorf("the answer is %d %q", answer.status, answer.body)
	}
	if v := answer.header.Get("X-Mlops-Version"); v != "local/dev/models/m/versions/1" {
		t.Errorf("version %q answered", v)
	}
	if s := <-got; s.request != "POST /p%2Fq?x=1 body" || s.id != "id-1" || s.secret != "" {
		t.Errorf("the copy is %+v", s)
	}
	eventually(t, "the copy is measured", func() bool { return m.Read(0).Requests == 1 })
	if f := m.Read(0).Figures; f.Errors != 1 {
		t.Errorf("figures %+v", f)
	}
	page := b.do("GET", "/metrics", "").body
	for _, want := range []string{
		`mlops_endpoint_shadow_requests_total{endpoint="churn",environment="dev",outcome="failed"} 1`,
		`mlops_endpoint_requests_total{code="200",endpoint="churn",environment="dev",variant="a",version="local/dev/models/m/versions/1"} 1`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if strings.Contains(page, "versions/2") {
		t.Error("copies count among the endpoint's requests")
	}
}

// TestShadowThatHangs sends more requests than copies may be under way to an
// endpoint whose shadow never answers: none waits for it, and what cannot be
// copied is counted.
func TestShadowThatHangs(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	release := make(chan struct{})
	var copies atomic.Int64
	m := b.shadowed(nil, func(http.ResponseWriter, *http.Request) {
		copies.Add(1)
		<-release
	})
	t.Cleanup(func() { close(release) })
	for i := range 2 * shadowMost {
		began := time.Now()
		if a := b.do("POST", "/dev/churn", strconv.Itoa(i)); a.status != 200 || !strings.HasPrefix(a.body, fmt.Sprintf("POST / %d ", i)) {
			t.Fatalf("answer %d %q", a.status, a.body)
		}
		if took := time.Since(began); took > patience/2 {
			t.Fatalf("a request took %s", took)
		}
	}
	eventually(t, "all copies hang", func() bool { return copies.Load() == shadowMost })
	if r := m.Read(time.Nanosecond); r.Requests != shadowMost {
		t.Errorf("%d copies are measured, want %d", r.Requests, shadowMost)
	}
	want := fmt.Sprintf(`mlops_endpoint_shadow_requests_total{endpoint="churn",environment="dev",outcome="dropped"} %d`, shadowMost)
	if page := b.do("GET", "/metrics", "").body; !strings.Contains(page, want) {
		t.Errorf("metrics lack %s", want)
	}
	// The end of the rollout breaks the copies off, and they count for nothing.
	b.put(nil, variant("a", 100, Passthrough, pool(upstream(t, echo))))
	eventually(t, "no copy is under way", func() bool { r := m.Read(0); return r.Unanswered == 0 })
	if f := m.Read(0).Figures; f.Requests != 0 {
		t.Errorf("copies that were broken off count: %+v", f)
	}
}

func TestShadowDropsWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	m := b.shadowed(nil, func(http.ResponseWriter, *http.Request) { t.Error("a copy of a large request") })
	body := strings.Repeat("x", captureBody+1)
	if a := b.do("POST", "/dev/churn", body); a.status != 200 || !strings.Contains(a.body, body) {
		t.Errorf("status %d with %d bytes", a.status, len(a.body))
	}
	if page := b.do("GET", "/metrics", "").body; !strings.Contains(page, `outcome="dropped"} 1`) {
		t.Error("the dropped copy is not counted")
	}
	if r := m.Read(0); r.Requests+int64(r.Unanswered) != 0 {
		t.Errorf("measured %+v", r)
	}
}
