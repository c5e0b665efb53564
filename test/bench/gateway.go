package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The targets that requests are sent to.
const (
	direct   = "directly"
	through  = "through the gateway"
	captured = "through the gateway with capture"
	nginx    = "through nginx"
)

// measureGateway sends the same requests to one model server directly, through
// the gateway, and through nginx. Sender, proxies and server share the machine,
// as they do where the engine is used.
func measureGateway(ctx context.Context, s site) (out []result, err error) {
	l, err := openLab(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.close(ctx)) }()
	plain, err := l.serve(ctx, s, "plain", nil, nil)
	if err != nil {
		return nil, err
	}
	capturing, err := l.serve(ctx, s, "capturing", nil, &mlops.Capture{SamplePercent: 100})
	if err != nil {
		return nil, err
	}
	address := "127.0.0.1:" + plain.server.Port
	targets := []target{{direct, "http://" + address}, {through, plain.url}, {captured, capturing.url}}
	proxy, err := startNginx(ctx, s, address)
	reason, isReason := errors.AsType[unavailableError](err)
	switch {
	case isReason:
		out = append(out, missing("nginx", string(reason)))
	case err != nil:
		return nil, err
	default:
		defer func() { err = errors.Join(err, proxy.stop()) }()
		targets = append(targets, target{nginx, proxy.url})
	}
	more, err := compare(ctx, s, targets)
	return append(more, out...), err
}

// compare measures throughput, then latency at half of what the gateway can do.
// The targets take turns, so that whatever else the machine does hits all. Of
// throughput the median counts. Of latency the best round does: a p99 is made
// of the worst moments, and the machine's own must not pass for a proxy's.
func compare(ctx context.Context, s site, targets []target) ([]result, error) {
	rounds, lasting := 7, 3*time.Second
	if s.short {
		rounds, lasting = 3, 2*time.Second
	}
	sender := newLoad()
	defer sender.close()
	rates, err := inTurns(targets, rounds, median, func(t target) (float64, error) {
		return sender.throughput(ctx, t.url, lasting)
	})
	if err != nil {
		return nil, err
	}
	half := rates[through] / 2
	slowest, err := inTurns(targets, rounds, slices.Min, func(t target) (float64, error) {
		took, err := sender.latencies(ctx, t.url, half, lasting)
		switch {
		case errors.Is(err, errOverload): // another round may be better
			return math.Inf(1), nil
		case err != nil:
			return 0, err
		}
		return quantile(took, 0.99).Seconds() * 1000, nil
	})
	if err != nil {
		return throughputs(rates), err
	}
	if at := slices.IndexFunc(targets, func(t target) bool { return math.IsInf(slowest[t.name], 1) }); at >= 0 {
		return throughputs(rates), fmt.Errorf("%s: %w with %.0f requests per second", targets[at].name, errOverload, half)
	}
	return append(throughputs(rates), added(slowest, half)...), nil
}

// inTurns measures each target several times and returns what counts of each
// target's values.
func inTurns(targets []target, rounds int, counts func([]float64) float64, one func(target) (float64, error)) (map[string]float64, error) {
	seen := map[string][]float64{}
	for round := range rounds + 1 {
		for _, t := range targets {
			v, err := one(t)
			if err != nil {
				return nil, err
			}
			if round > 0 { // the first fills connection pools and caches
				seen[t.name] = append(seen[t.name], v)
			}
		}
	}
	out := map[string]float64{}
	for name, values := range seen {
		out[name] = counts(values)
	}
	return out, nil
}

func throughputs(rates map[string]float64) []result {
	base := rates[direct]
	out := []result{figure("throughput "+direct, base, "requests/s")}
	out = append(out,
		atLeast("throughput "+through, rates[through]/base, "x "+direct, 0.6).because("%.0f requests/s", rates[through]),
		// Of every request and response written down, for comparison: the budget is
		// the gateway's own.
		figure("throughput "+captured, rates[captured]/base, "x "+direct).because("%.0f requests/s, all of them captured", rates[captured]))
	if with, ok := rates[nginx]; ok {
		out = append(out,
			figure("throughput "+nginx, with/base, "x "+direct).because("%.0f requests/s", with),
			figure("throughput "+through, rates[through]/with, "x "+nginx))
	}
	return out
}

func added(slowest map[string]float64, rate float64) []result {
	base := slowest[direct]
	out := []result{figure("p99 latency "+direct, base, "ms").because("at %.0f requests/s, half of what the gateway can do", rate)}
	out = append(out,
		atMost("p99 latency added "+through, slowest[through]-base, "ms", 2),
		figure("p99 latency added "+captured, slowest[captured]-base, "ms"))
	if with, ok := slowest[nginx]; ok {
		out = append(out, figure("p99 latency added "+nginx, with-base, "ms"))
	}
	return out
}
