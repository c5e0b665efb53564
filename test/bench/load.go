package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	workers     = 16   // requests in flight when throughput is measured
	maxInFlight = 1000 // when latency is; more means that the target cannot keep up
)

// errOverload is what a target gets that falls behind.
var errOverload = errors.New("the target cannot keep up")

// target is where requests are sent.
type target struct {
	name string
	url  string
}

// load sends one request over and over.
type load struct {
	client  *http.Client
	request []byte
}

func newLoad() *load {
	return &load{
		client: &http.Client{
			Timeout:   30 * time.Second,
			Transport: &http.Transport{MaxIdleConnsPerHost: maxInFlight, DisableCompression: true},
		},
		request: sampleRequest(),
	}
}

func (l *load) close() { l.client.CloseIdleConnections() }

// send sends the request once and reads the whole answer.
func (l *load) send(ctx context.Context, url string) (err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(l.request))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := l.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	size, err := io.Copy(io.Discard, answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || size == 0) {
		err = fmt.Errorf("%s answered with status %d and %d bytes", url, answer.StatusCode, size)
	}
	return err
}

// throughput keeps a fixed number of requests in flight for a time and returns
// how many were answered per second.
func (l *load) throughput(ctx context.Context, url string, lasting time.Duration) (float64, error) {
	var answered atomic.Int64
	var group failGroup
	begin := time.Now()
	for range workers {
		group.run(func() error {
			for time.Since(begin) < lasting && !group.failed() {
				if err := l.send(ctx, url); err != nil {
					return err
				}
				answered.Add(1)
			}
			return nil
		})
	}
	err := group.wait()
	return float64(answered.Load()) / time.Since(begin).Seconds(), err
}

// latencies sends requests at a fixed rate for a time, whether or not earlier
// ones were answered, and returns how long each took from the moment when it
// was due, sorted.
func (l *load) latencies(ctx context.Context, url string, rate float64, lasting time.Duration) ([]time.Duration, error) {
	took := make([]time.Duration, int(rate*lasting.Seconds()))
	slots := make(chan struct{}, maxInFlight)
	var group failGroup
	begin := time.Now()
	for i := range took {
		due := begin.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		if err := pause(ctx, time.Until(due)); err != nil {
			return nil, errors.Join(err, group.wait())
		}
		select {
		case slots <- struct{}{}:
		default:
			return nil, errors.Join(errOverload, group.wait())
		}
		group.run(func() error {
			defer func() { <-slots }()
			err := l.send(ctx, url)
			took[i] = time.Since(due)
			return err
		})
	}
	err := group.wait()
	slices.Sort(took)
	return took, err
}

// failGroup is goroutines of which the first error counts.
type failGroup struct {
	group sync.WaitGroup
	first atomic.Pointer[error]
}

func (g *failGroup) run(f func() error) {
	g.group.Go(func() {
		if err := f(); err != nil {
			g.first.CompareAndSwap(nil, &err)
		}
	})
}

func (g *failGroup) failed() bool { return g.first.Load() != nil }

func (g *failGroup) wait() error {
	g.group.Wait()
	if err := g.first.Load(); err != nil {
		return *err
	}
	return nil
}

// quantile returns the value that a share of sorted values does not exceed.
func quantile[T any](sorted []T, share float64) T {
	at := int(share * float64(len(sorted)))
	return sorted[min(at, len(sorted)-1)]
}

// median returns the middle of some values, which it sorts.
func median(values []float64) float64 {
	slices.Sort(values)
	return quantile(values, 0.5)
}
