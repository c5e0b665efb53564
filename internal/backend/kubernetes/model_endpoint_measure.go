package kubernetes

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/api"
	prometheus "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Measure asks Prometheus for the figures of each variant; see mlops.Measurer. It is
// late by as much as Prometheus is: a scrape's interval.
func (k modelEndpointKind) Measure(ctx context.Context, ref mlops.ID, since time.Time) (map[string]mlops.Figures, error) {
	s, err := k.scene(ctx, ref)
	if err != nil {
		return nil, err
	}
	e, err := k.look(ctx, s)
	if err != nil {
		return nil, err
	}
	out := map[string]mlops.Figures{}
	form := e.facts.force()
	if form == nil {
		return out, nil
	}
	for variant, v := range form.Spec.Variants {
		if v.Traffic == 0 {
			continue
		}
		if out[variant], err = k.measure(ctx, s, form.service(form.Servers[variant]), since); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// measure is what the server behind a service did since a time.
func (k modelEndpointKind) measure(ctx context.Context, s scene, service string, since time.Time) (mlops.Figures, error) {
	f := figuresOf(s.layout)
	if f.requests == "" {
		return mlops.Figures{}, &mlops.Error{Code: mlops.Unsupported, Field: "rollout.gates", Err: fmt.Errorf("the environment %q has no prometheus_url, by which gates are judged", s.spec.ID)}
	}
	client, err := api.NewClient(api.Config{Address: s.spec.Target.Settings.String(targetPrometheus), Client: &http.Client{Timeout: patience}})
	if err != nil {
		return mlops.Figures{}, refuseSetting(targetPrometheus, "%w", err)
	}
	asked := prometheus.NewAPI(client)
	number := func(query string) float64 {
		if err != nil || query == "" {
			return 0
		}
		var value float64
		value, err = oneNumber(ctx, asked, query)
		return value
	}
	seconds := func(q float64) mlops.Duration {
		return mlops.Duration(number(f.quantile(q, s.namespace, service, time.Since(since))) * float64(time.Second))
	}
	figures := mlops.Figures{
		Requests: int64(math.Round(number(f.query(f.requests, s.namespace, service, time.Since(since))))),
		Errors:   int64(math.Round(number(f.query(f.errors, s.namespace, service, time.Since(since))))),
		P50:      seconds(0.5), P95: seconds(0.95), P99: seconds(0.99),
	}
	if err != nil {
		err = mlops.NewError(mlops.Unavailable, fmt.Errorf("the Prometheus server at %s: %w", s.spec.Target.Settings.String(targetPrometheus), err))
	}
	return figures, err
}

// oneNumber is the answer to a query that has one, 0 where there is nothing to count. It
// is asked without a time, which is now by the server's clock and not by ours.
func oneNumber(ctx context.Context, from prometheus.API, query string) (float64, error) {
	answer, _, _, err := from.Query(ctx, query, time.Time{})
	if err != nil {
		return 0, err
	}
	all, ok := answer.(model.Vector)
	if !ok {
		return 0, fmt.Errorf("it answers %s with %s", query, answer.Type())
	}
	if len(all) == 0 || math.IsNaN(float64(all[0].Value)) {
		return 0, nil
	}
	return float64(all[0].Value), nil
}
