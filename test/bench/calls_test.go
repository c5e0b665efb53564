package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
)

func TestCallsArePassedOnAndCounted(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host+r.URL.Path)
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", socket)
	}}}
	ask := func() {
		t.Helper()
		answer, err := client.Get("http://localhost/status")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if body, _ := io.ReadAll(answer.Body); string(body) != "localhost/status" {
			t.Errorf("got %q", body)
		}
	}

	counter, err := countCalls(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	ask()
	ask()
	if n := counter.calls.Load(); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
	if err := counter.close(); err != nil {
		t.Fatal(err)
	}
	ask() // straight again
	if n := counter.calls.Load(); n != 2 {
		t.Errorf("%d calls after the counter was taken away, want 2", n)
	}
}
