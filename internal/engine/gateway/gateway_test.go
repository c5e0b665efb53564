package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const patience = 30 * time.Second

// bench is a gateway in front of servers, for one test.
type bench struct {
	*Gateway

	t   *testing.T
	url string
}

func newBench(t *testing.T, cfg Config) *bench {
	t.Helper()
	cfg.Log = slog.New(slog.DiscardHandler)
	g := New(cfg)
	s := httptest.NewServer(g)
	t.Cleanup(func() {
		s.Close()
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bench{g, t, s.URL}
}

// upstream starts a server and returns it as a replica.
func upstream(t testing.TB, h http.HandlerFunc) *Upstream {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return NewUpstream(s.Listener.Addr().String())
}

func pool(upstreams ...*Upstream) *Pool {
	p := NewPool(100, nil)
	for _, u := range upstreams {
		p.Add(u)
	}
	return p
}

func variant(name string, weight int64, p Protocol, pool *Pool) Variant {
	version := mlops.ID("local/dev/models/m/versions/1")
	return Variant{Name: name, Version: version, Weight: weight, Protocol: p, Pool: pool}
}

func (b *bench) put(change func(*Route), variants ...Variant) {
	b.t.Helper()
	r := Route{Environment: "dev", Endpoint: "churn", Variants: variants}
	if change != nil {
		change(&r)
	}
	if err := b.Put(r); err != nil {
		b.t.Fatal(err)
	}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (b *bench) do(method, path, body string, headers ...string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(got)}
}

// eventually polls until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	_, _ = fmt.Fprintf(w, "%s %s %s %s", r.Method, r.URL.RequestURI(), b, r.Header.Get("X-Request-Id"))
}

func TestRouting(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	b.put(nil, variant("champion", 100, Inference, pool(upstream(t, echo))))
	b.put(func(r *Route) { r.Endpoint = "web" }, variant("only", 100, Passthrough, pool(upstream(t, echo))))
	tests := []struct {
		name               string
		method, path, body string
		status             int
		want               string
	}{
		{"instances", "POST", "/dev/churn", `{"instances": [[1]]}`, 200, `POST /v1/models/churn:predict {"instances": [[1]]} id-1`},
		{"inputs", "POST", "/dev/churn", `{"id": "a", "inputs": []}`, 200, `POST /v2/models/churn/infer {"id": "a", "inputs": []} id-1`},
		{"v1 path", "GET", "/dev/churn/v1/models", "", 200, "GET /v1/models  id-1"},
		{"v2 path and query", "POST", "/dev/churn/v2/models/churn/infer?a=b", "{}", 200, "POST /v2/models/churn/infer?a=b {} id-1"},
		{"metadata", "GET", "/dev/churn", "", 200, "GET /v2/models/churn  id-1"},
		{"neither form", "POST", "/dev/churn", `{"x": 1}`, 400, "inputs"},
		{"no JSON", "POST", "/dev/churn", `hello`, 400, "inputs"},
		{"method", "DELETE", "/dev/churn", "", 405, "POST"},
		{"other path", "GET", "/dev/churn/admin", "", 404, "/v1/"},
		{"repository", "POST", "/dev/churn/v2/repository/models/churn/unload", "", 404, "/v1/"},
		{"unknown endpoint", "GET", "/dev/nothing", "", 404, "no endpoint"},
		{"unknown environment", "GET", "/prod/churn", "", 404, "no endpoint"},
		{"root", "GET", "/", "", 404, "no endpoint"},
		{"custom root", "GET", "/dev/web", "", 200, "GET /  id-1"},
		{"custom path", "PUT", "/dev/web/a%2Fb/c?d=e", "body", 200, "PUT /a%2Fb/c?d=e body id-1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := b.do(tt.method, tt.path, tt.body, "X-Request-Id", "id-1")
			if got.status != tt.status || !strings.Contains(got.body, tt.want) {
				t.Errorf("got %d %q, want %d %q", got.status, got.body, tt.status, tt.want)
			}
			if id := got.header.Get("X-Request-Id"); id != "id-1" {
				t.Errorf("request id %q", id)
			}
			problem := got.header.Get("Content-Type") == "application/problem+json"
			if problem != (got.status >= 400) {
				t.Errorf("content type %q with status %d", got.header.Get("Content-Type"), got.status)
			}
		})
	}
}

func TestAnswerNamesWhatAnswered(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	b.put(nil, variant("champion", 100, Passthrough, pool(upstream(t, echo))))
	got := b.do("GET", "/dev/churn", "")
	if v := got.header.Get("X-Mlops-Variant"); v != "champion" {
		t.Errorf("variant %q", v)
	}
	if v := got.header.Get("X-Mlops-Version"); v != "local/dev/models/m/versions/1" {
		t.Errorf("version %q", v)
	}
	if id := got.header.Get("X-Request-Id"); id == "" || !strings.Contains(got.body, id) {
		t.Errorf("request id %q did not reach the server: %q", id, got.body)
	}
}

func TestOtherHostsAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	for host, want := range map[string]int{
		"localhost:80": 404, "127.0.0.1": 404, "[::1]:8": 404, "LOCALHOST": 404,
		"evil.example": 403, "10.0.0.1:80": 403, "": 404,
	} {
		if got := b.do("GET", "/", "", "Host", host); got.status != want {
			t.Errorf("host %q: %d, want %d", host, got.status, want)
		}
	}
}

func TestWeights(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	b.put(nil,
		variant("a", 80, Passthrough, pool(upstream(t, echo))),
		variant("b", 20, Passthrough, pool(upstream(t, echo))),
		variant("c", 0, Passthrough, pool(upstream(t, echo))))
	counts := map[string]int{}
	const n = 1000
	for range n {
		counts[b.do("GET", "/dev/churn", "").header.Get("X-Mlops-Variant")]++
	}
	// Five standard deviations of a binomial distribution around 200.
	if got := counts["b"]; got < 137 || got > 263 || counts["c"] != 0 || counts["a"]+got != n {
		t.Errorf("shares %v of %d; want 80 to 20", counts, n)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	p := pool(upstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" {
			w.WriteHeader(500)
		}
	}))
	b.put(nil, variant("a", 100, Passthrough, p))
	b.do("GET", "/dev/churn", "")
	b.do("GET", "/dev/churn/bad", "")
	page := b.do("GET", "/metrics", "").body
	for _, want := range []string{
		`mlops_endpoint_requests_total{code="200",endpoint="churn",environment="dev",variant="a",version="local/dev/models/m/versions/1"} 1`,
		`mlops_endpoint_requests_total{code="500",endpoint="churn",environment="dev",variant="a",version="local/dev/models/m/versions/1"} 1`,
		`mlops_endpoint_errors_total{endpoint="churn",environment="dev",variant="a",version="local/dev/models/m/versions/1"} 1`,
		`mlops_endpoint_request_duration_seconds_count{endpoint="churn",environment="dev",variant="a",version="local/dev/models/m/versions/1"} 2`,
		`mlops_endpoint_in_flight{endpoint="churn",environment="dev",variant="a",version="local/dev/models/m/versions/1"} 0`,
		`mlops_endpoint_replicas{endpoint="churn",environment="dev",variant="a",version="local/dev/models/m/versions/1"} 1`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if err := b.Remove("dev", "churn"); err != nil {
		t.Fatal(err)
	}
	if page := b.do("GET", "/metrics", "").body; strings.Contains(page, "churn") {
		t.Errorf("metrics of a removed endpoint:\n%s", page)
	}
}

func TestMetricsForgetAVariant(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	p := pool(upstream(t, echo))
	b.put(nil, variant("a", 100, Passthrough, p))
	b.do("GET", "/dev/churn", "")
	b.put(nil, variant("b", 100, Passthrough, p))
	if page := b.do("GET", "/metrics", "").body; strings.Contains(page, `variant="a"`) || !strings.Contains(page, `variant="b"`) {
		t.Errorf("metrics:\n%s", page)
	}
}

func TestProblemDocument(t *testing.T) {
	t.Parallel()
	b := newBench(t, Config{})
	var got map[string]any
	if err := json.NewDecoder(bytes.NewReader([]byte(b.do("GET", "/a/b", "", "X-Request-Id", "r").body))).Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"type": "about:blank", "title": "Not Found", "status": 404.0, "request_id": "r",
		"detail": "there is no endpoint at this address; endpoints are at /<environment>/<endpoint>",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func FuzzForm(f *testing.F) {
	for _, s := range []string{`{"inputs":1}`, `{"a":{"inputs":1},"instances":[]}`, `[`, `{"a`, "", `{"a":1,`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := form(b); got != "" && !bytes.Contains(b, []byte("in")) && !bytes.Contains(b, []byte(`\u`)) {
			t.Errorf("form(%q) = %q", b, got)
		}
	})
}
