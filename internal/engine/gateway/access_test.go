package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestToken(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	server := func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.Header.Get("Authorization"))) }
	b.put(func(r *Route) { r.Token = "s3cret" }, variant("a", 100, Passthrough, pool(upstream(t, server))))
	b.put(func(r *Route) { r.Endpoint = "open" }, variant("a", 100, Passthrough, pool(upstream(t, server))))
	tests := []struct {
		name, path, header string
		status             int
		body               string
	}{
		{"none", "/dev/churn", "", 401, "token"},
		{"right", "/dev/churn", "Bearer s3cret", 200, ""},
		{"scheme in lower case", "/dev/churn", "bearer s3cret", 200, ""},
		{"wrong", "/dev/churn", "Bearer s3cret1", 401, "token"},
		{"prefix", "/dev/churn", "Bearer s3cre", 401, "token"},
		{"empty", "/dev/churn", "Bearer ", 401, "token"},
		{"other scheme", "/dev/churn", "Basic s3cret", 401, "token"},
		{"below", "/dev/churn/ground-truth", "", 401, "token"},
		{"an open endpoint passes it on", "/dev/open", "Bearer own", 200, "Bearer own"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var headers []string
			if tt.header != "" {
				headers = []string{"Authorization", tt.header}
			}
			got := b.do("POST", tt.path, "x", headers...)
			if got.status != tt.status || !strings.Contains(got.body, tt.body) || tt.body == "" && got.body != "" {
				t.Errorf("got %d %q, want %d with %q", got.status, got.body, tt.status, tt.body)
			}
			if strings.Contains(got.body, "s3cret") {
				t.Errorf("the token leaks: %q", got.body)
			}
			if tt.status == 401 && (got.header.Get("Www-Authenticate") != `Bearer realm="dev/churn"` || got.header.Get("Content-Type") != "application/problem+json") {
				t.Errorf("headers %v", got.header)
			}
			if got.header.Get("X-Request-Id") == "" {
				t.Error("no request id")
			}
		})
	}
	t.Cleanup(func() {
		if s := b.Series("dev", "churn", time.Time{}); Summarize(s).Errors != 0 {
			t.Errorf("refused requests count as errors: %v", s)
		}
	})
}

func TestAsleep(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	p := pool(upstream(t, echo))
	put := func(until time.Time) {
		b.put(func(r *Route) { r.Asleep = until }, variant("a", 100, Passthrough, p))
	}
	put(time.Now().Add(time.Hour))
	got := b.do("GET", "/dev/churn", "")
	seconds, err := strconv.Atoi(got.header.Get("Retry-After"))
	if got.status != http.StatusServiceUnavailable || err != nil || seconds < 3500 || seconds > 3600 {
		t.Errorf("status %d, Retry-After %q", got.status, got.header.Get("Retry-After"))
	}
	var problem struct {
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}
	if err := json.Unmarshal([]byte(got.body), &problem); err != nil || problem.Status != 503 || !strings.Contains(problem.Detail, "down by its schedule") {
		t.Errorf("body %q (%v)", got.body, err)
	}
	if s := b.Series("dev", "churn", time.Time{}); len(s) != 0 {
		t.Errorf("requests while asleep count: %v", s)
	}
	if page := b.do("GET", "/metrics", "").body; strings.Contains(page, `code="503"`) {
		t.Error("requests while asleep are in the metrics")
	}
	put(time.Now().Add(-time.Minute)) // somebody is late
	if after := b.do("GET", "/dev/churn", "").header.Get("Retry-After"); after != "1" {
		t.Errorf("Retry-After %q, want 1", after)
	}
	put(time.Time{})
	if got := b.do("GET", "/dev/churn", ""); got.status != 200 {
		t.Errorf("awake: %d", got.status)
	}
}

func TestMountedPages(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	if got := b.do("GET", "/-/", ""); got.status != 404 {
		t.Errorf("without pages: %d", got.status)
	}
	b.Mount(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("page " + r.URL.Path)) }))
	if got := b.do("GET", "/-/a", ""); got.body != "page /-/a" {
		t.Errorf("got %d %q", got.status, got.body)
	}
	if got := b.do("GET", "/-/a", "", "Host", "evil.example"); got.status != 403 {
		t.Errorf("another host: %d", got.status)
	}
}
