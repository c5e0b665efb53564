package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// BenchmarkGateway measures a model server directly and through the gateway:
// throughput with all workers busy, and latency at half of the direct
// throughput. The server takes as long as a small model of a compiled language
// would; servers in Python take ten times as long. All share this machine's
// cores.
//
//	go test -run '^$' -bench Gateway ./internal/engine/gateway
func BenchmarkGateway(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(predict))
	b.Cleanup(server.Close)
	g := New(Config{Log: slog.New(slog.DiscardHandler)})
	front := httptest.NewServer(g)
	b.Cleanup(front.Close)
	p := NewPool(100, nil)
	p.Add(NewUpstream(server.Listener.Addr().String()))
	route := Route{Environment: "dev", Endpoint: "churn", Variants: []Variant{variant("a", 100, Passthrough, p)}}
	if err := g.Put(route); err != nil {
		b.Fatal(err)
	}
	direct, through := server.URL+"/", front.URL+"/dev/churn/"
	var peak float64
	b.Run("throughput/direct", func(b *testing.B) { peak = throughput(b, direct) })
	b.Run("throughput/gateway", func(b *testing.B) { throughput(b, through) })
	b.Run("half_load/direct", func(b *testing.B) { latency(b, direct, peak/2) })
	b.Run("half_load/gateway", func(b *testing.B) { latency(b, through, peak/2) })
}

// predict reads instances and works for about half a millisecond.
func predict(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Instances [][]float64 `json:"instances"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	out := make([]float64, len(in.Instances))
	for range 4000 {
		for i, row := range in.Instances {
			for j, x := range row {
				out[i] = out[i]*0.5 + x*float64(j)
			}
		}
	}
	b, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	_, _ = fmt.Fprintf(w, `{"predictions": %s}`, b)
}

const benchWorkers = 8

// throughput makes b.N requests with all workers and returns how many a second.
func throughput(b *testing.B, url string) float64 {
	b.Helper()
	c := newClient(b, url)
	b.ResetTimer()
	began := time.Now()
	c.work(b.N, func(int) {})
	rate := float64(b.N) / time.Since(began).Seconds()
	b.ReportMetric(rate, "req/s")
	return rate
}

// latency makes b.N requests at a rate and reports percentiles, counted from
// when each request was due.
func latency(b *testing.B, url string, rate float64) {
	b.Helper()
	c := newClient(b, url)
	took := make([]time.Duration, b.N)
	interval := time.Duration(float64(time.Second) / rate)
	b.ResetTimer()
	began := time.Now()
	c.workThen(b.N, func(i int) { time.Sleep(time.Until(began.Add(time.Duration(i) * interval))) },
		func(i int) { took[i] = time.Since(began.Add(time.Duration(i) * interval)) })
	slices.Sort(took)
	for name, share := range map[string]float64{"p50-ms": 0.5, "p99-ms": 0.99} {
		b.ReportMetric(float64(took[int(share*float64(b.N-1))].Microseconds())/1000, name)
	}
}

// client makes the benchmark's requests.
type client struct {
	b    *testing.B
	http *http.Client
	url  string
	body []byte
}

func newClient(b *testing.B, url string) *client {
	b.Helper()
	row := make([]float64, 30)
	for i := range row {
		row[i] = float64(i) / 7
	}
	body, err := json.Marshal(map[string]any{"instances": [][]float64{row}})
	if err != nil {
		b.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: benchWorkers}
	b.Cleanup(transport.CloseIdleConnections)
	return &client{b, &http.Client{Transport: transport}, url, body}
}

func (c *client) work(n int, before func(i int)) { c.workThen(n, before, func(int) {}) }

// workThen makes n requests, shared among the workers.
func (c *client) workThen(n int, before, after func(i int)) {
	var wg sync.WaitGroup
	for w := range benchWorkers {
		wg.Go(func() {
			for i := w; i < n; i += benchWorkers {
				before(i)
				c.request(c.b.Context())
				after(i)
			}
		})
	}
	wg.Wait()
}

func (c *client) request(ctx context.Context) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(c.body))
	if err != nil {
		c.b.Error(err)
		return
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.b.Error(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		c.b.Errorf("status %d, %v", resp.StatusCode, err)
	}
}
