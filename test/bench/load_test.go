package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestLoadSendsWhatItSays(t *testing.T) {
	t.Parallel()
	var seen atomic.Int64
	model := newForest()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Add(1)
		model.ServeHTTP(w, r)
	}))
	defer server.Close()
	sender := newLoad()
	defer sender.close()

	took, err := sender.latencies(t.Context(), server.URL, 200, 500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if len(took) != 100 || seen.Load() != 100 {
		t.Errorf("%d latencies of %d requests, want 100", len(took), seen.Load())
	}
	if took[0] <= 0 || took[0] > took[99] {
		t.Errorf("latencies from %s to %s", took[0], took[99])
	}
	rate, err := sender.throughput(t.Context(), server.URL, 200*time.Millisecond)
	if err != nil || rate <= 0 {
		t.Errorf("%g requests per second, %v", rate, err)
	}
}

func TestLoadCountsFromWhenARequestWasDue(t *testing.T) {
	t.Parallel()
	const stall = 300 * time.Millisecond
	release := make(chan struct{})
	time.AfterFunc(stall, func() { close(release) })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		_, _ = w.Write([]byte("{}"))
	}))
	defer server.Close()
	sender := newLoad()
	defer sender.close()
	took, err := sender.latencies(t.Context(), server.URL, 100, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if len(took) != 20 { // sent although none was answered
		t.Errorf("%d requests, want 20", len(took))
	}
	if longest := took[len(took)-1]; longest < stall/2 {
		t.Errorf("the longest took %s of a stall of %s", longest, stall)
	}
}

func TestLoadFailsOnBadAnswers(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "overloaded", http.StatusServiceUnavailable)
	}))
	defer server.Close()
	sender := newLoad()
	defer sender.close()
	_, err := sender.throughput(t.Context(), server.URL, time.Minute)
	if err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("error %v, want one with the status", err)
	}
	if _, err := sender.latencies(t.Context(), server.URL, 100, 50*time.Millisecond); err == nil {
		t.Error("no error for answers with status 503")
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	values := make([]int, 100)
	for i := range values {
		values[i] = i + 1
	}
	for share, want := range map[float64]int{0: 1, 0.5: 51, 0.99: 100, 1: 100} {
		if got := quantile(values, share); got != want {
			t.Errorf("%g: %d, want %d", share, got, want)
		}
	}
	if got := median([]float64{3, 1, 2}); got != 2 {
		t.Errorf("median %g", got)
	}
}
