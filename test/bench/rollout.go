package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	rolloutRate = 200             // requests a second
	slowStart   = 5 * time.Second // of the servers that are rolled out
)

// measureRollout rolls an endpoint out by a canary, and back to what it served
// before, while requests come in at a steady rate. None may be lost. Going back
// is timed as a user sees it, until apply would return, for servers that take
// their time to start.
func measureRollout(ctx context.Context, s site) (out []result, err error) {
	l, err := openLab(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.close(ctx)) }()
	old := l.canary(s, "old")
	seen, err := create(ctx, l, mlops.NounModelEndpoint, l.backend.ModelEndpoints(), old)
	if err != nil {
		return nil, err
	}
	sender := newLoad()
	defer sender.close()
	stop := sender.steady(ctx, seen.Status.URL, rolloutRate)
	forth, err := l.change(ctx, seen.Ref, l.canary(s, "new"))
	if err != nil {
		stop()
		return nil, err
	}
	back, err := l.change(ctx, seen.Ref, old)
	answered, lost := stop()
	if err != nil {
		return nil, err
	}
	return []result{
		atMost("requests lost through a canary and back", float64(lost), "requests", 0).because("of %d, at %d requests/s", answered+lost, rolloutRate),
		figure("rollout by a canary of two steps", forth.Seconds(), "s").because("servers take %s to start, each step is observed for 3 s", slowStart),
		atMost("rollback to the previous version", back.Seconds(), "s", 2).because("its servers are kept warm; a new one takes %s to start", slowStart),
	}, nil
}

// canary is an endpoint whose server has a mark, by which it differs from
// others.
func (l *lab) canary(s site, mark string) mlops.ModelEndpointSpec {
	none := 0.0
	return mlops.ModelEndpointSpec{
		Environment: l.environment, Name: "rolled",
		Variants: map[string]mlops.Variant{"main": {Version: l.version, Traffic: 100, Env: map[string]string{
			envNote: filepath.Join(s.dir, mark+".note"), envDelay: slowStart.String(),
		}}},
		Rollout: &mlops.Rollout{
			Strategy: mlops.RolloutCanary, Steps: []int64{10, 50}, Bake: mlops.Duration(3 * time.Second),
			Gates: &mlops.Gates{MaxErrorPercent: &none, MinRequests: 20},
		},
	}
}

// change changes an endpoint as the provider does, and returns how long that
// took.
func (l *lab) change(ctx context.Context, id mlops.ID, to mlops.ModelEndpointSpec) (time.Duration, error) {
	target := lifecycle.Target[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{
		Kind: l.backend.ModelEndpoints(), Code: l.backend.Code, Backend: "local", Noun: mlops.NounModelEndpoint,
	}
	began := time.Now()
	_, err := target.Update(ctx, id, to, func(mlops.Change) {})
	return time.Since(began), err
}

// steady sends requests at a rate, whether or not earlier ones were answered,
// until the returned function is called. That waits for the last answers and
// says how many requests were answered well, and how many were not.
func (l *load) steady(ctx context.Context, url string, rate int) (stop func() (answered, lost int64)) {
	sending, halt := context.WithCancel(ctx)
	var requests sync.WaitGroup
	var answered, lost atomic.Int64
	requests.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		for sending.Err() == nil {
			select {
			case <-sending.Done():
			case <-tick.C:
				requests.Go(func() {
					if err := l.send(ctx, url); err != nil {
						fmt.Fprintln(os.Stderr, "rollout: a request was lost:", err)
						lost.Add(1)
						return
					}
					answered.Add(1)
				})
			}
		}
	})
	return func() (int64, int64) {
		halt()
		requests.Wait()
		return answered.Load(), lost.Load()
	}
}
