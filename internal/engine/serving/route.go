package serving

import (
	"path/filepath"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// share is a fleet's part of an endpoint's requests.
type share struct {
	fleet   *fleet
	version mlops.ID
	weight  int64
	meter   *gateway.Meter // nil for none
}

// seriesFile is where an endpoint's figures by minute outlive the engine.
func (e *endpoint) seriesFile() string { return filepath.Join(e.dir, "series.jsonl") }

// route makes a plan the one that serves: with all of its shares, or with none
// while the endpoint is down by its schedule.
func (e *endpoint) route(p plan, fleets map[string]*fleet) error {
	until := asleepUntil(p.spec, e.s.now())
	if until.IsZero() {
		for _, f := range fleets {
			f.wake()
		}
	}
	e.mu.Lock()
	e.inForce, e.current, e.asleep = p, fleets, until
	e.mu.Unlock()
	err := e.publish(p, sharesOf(p, fleets, 1), nil, until)
	if !until.IsZero() {
		for _, f := range fleets {
			f.rest()
		}
	}
	return err
}

// sharesOf returns the shares of a plan, by its weights times a factor.
func sharesOf(p plan, fleets map[string]*fleet, factor int64) []share {
	out := make([]share, 0, len(p.variants))
	for _, v := range p.variants {
		out = append(out, share{fleet: fleets[v.name], version: v.share.Version, weight: v.share.Traffic * factor})
	}
	return out
}

// publish tells the gateway who answers from now on, under a plan's settings,
// and who gets copies.
func (e *endpoint) publish(p plan, shares []share, shadow *gateway.Shadow, asleep time.Time) error {
	r := gateway.Route{
		Environment: e.id.Environment().Name(), Endpoint: e.id.Name(), Timeout: p.requestTimeout(),
		Variants: variantsOf(shares), Shadow: shadow, Asleep: asleep, History: e.seriesFile(),
		Capture: gateway.Capture{Dir: e.captureDir},
	}
	if c := p.spec.Capture; c != nil {
		r.Capture.Percent = c.SamplePercent
	}
	if p.spec.Access == mlops.AccessToken {
		r.Token = e.s.token(e.id, e.created)
	}
	busy := make([]*fleet, 0, len(shares))
	for _, s := range shares {
		busy = append(busy, s.fleet)
	}
	e.mu.Lock()
	e.answering = busy
	e.mu.Unlock()
	return e.s.gateway.Put(r)
}

func variantsOf(shares []share) []gateway.Variant {
	out := make([]gateway.Variant, 0, len(shares))
	for _, s := range shares {
		out = append(out, gateway.Variant{
			Name: s.fleet.launch.variant, Version: s.version, Weight: s.weight,
			Protocol: s.fleet.launch.protocol(), Pool: s.fleet.pool, Meter: s.meter,
		})
	}
	return out
}

// mix returns the shares of two plans together, the second of which has some
// percent of the requests. A fleet that is in both has the sum. Those that are
// only in the second are measured.
func mix(before, after []share, percent int64, meter *gateway.Meter) []share {
	out := make([]share, 0, len(before)+len(after))
	at := map[*fleet]int{}
	for _, s := range before {
		at[s.fleet] = len(out)
		s.weight *= 100 - percent
		out = append(out, s)
	}
	for _, s := range after {
		s.weight *= percent
		if i, both := at[s.fleet]; both {
			out[i].weight += s.weight
			continue
		}
		s.meter = meter
		out = append(out, s)
	}
	return out
}

// busy returns the fleets that get requests.
func (e *endpoint) busy() []*fleet {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.answering
}
