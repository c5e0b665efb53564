package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Advance takes the next step of a change, or of a deletion.
func (k modelEndpointKind) Advance(ctx context.Context, ref mlops.ID) error {
	return k.noun().Advance(ctx, ref, k.advance)
}

func (k modelEndpointKind) advance(ctx context.Context, s scene, e endpointState) error {
	k.diagnose(ctx, s, &e)
	v := e.verdict()
	switch v.step {
	case endpointGiveUp:
		return k.giveUp(ctx, s, e, v.reason)
	case endpointSwitch:
		return k.move(ctx, s, e)
	case endpointSweep:
		return k.sweep(ctx, s, e)
	case endpointFinish:
		return k.drop(ctx, s, e)
	case endpointRest:
	}
	return nil
}

// giveUp keeps what is in force, and says why the change is none.
func (k modelEndpointKind) giveUp(ctx context.Context, s scene, e endpointState, why string) error {
	e.facts.Failure, e.facts.Shadow = why, time.Time{}
	return k.keep(ctx, s, e)
}

// keep writes the facts of an endpoint as they are now.
func (k modelEndpointKind) keep(ctx context.Context, s scene, e endpointState) error {
	return k.write(ctx, s, e.spec(), e.record, e.facts)
}

// move proves the new servers and gives them the traffic. Where a rollout begins with
// copies of requests, they get those first, and are judged by them.
func (k modelEndpointKind) move(ctx context.Context, s scene, e endpointState) error {
	words, again, err := k.prove(ctx, s, e)
	switch {
	case err != nil, again:
		return err
	case words != "":
		return k.giveUp(ctx, s, e, words)
	case e.facts.Shadow.IsZero() && e.shadows():
		e.facts.Shadow = now()
		return k.keep(ctx, s, e)
	}
	if s.knative() {
		if err := k.promote(ctx, s, &e); err != nil {
			return err
		}
	}
	e.facts.Done = now()
	e.facts.Asked.Since = e.facts.since()
	return k.keep(ctx, s, e)
}

// prove sends the smoke tests, or judges the copies of requests that the new servers
// got. Words are what was wrong; again is that it is to be done once more.
func (k modelEndpointKind) prove(ctx context.Context, s scene, e endpointState) (words string, again bool, err error) {
	if !e.facts.Shadow.IsZero() {
		return k.judgeShadow(ctx, s, e)
	}
	words, err = k.smokeTests(ctx, s, e)
	return words, false, err
}

// shadows reports whether the change begins with copies of requests.
func (e endpointState) shadows() bool {
	r := e.spec().Rollout
	return r != nil && r.Strategy == mlops.RolloutShadow && e.facts.Before != nil && len(fresh(e.facts)) > 0
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// since is from when on each variant's version has had traffic, where that began with
// what was in force before.
func (f endpointFacts) since() map[string]time.Time {
	before := map[mlops.ID]time.Time{}
	if b := f.Before; b != nil {
		for variant, v := range b.Spec.Variants {
			if at, known := b.Since[variant]; known && v.Traffic > 0 {
				before[v.Version] = at
			}
		}
	}
	out := map[string]time.Time{}
	for variant, v := range f.Asked.Spec.Variants {
		out[variant] = f.Done
		if at, known := before[v.Version]; known {
			out[variant] = at
		}
	}
	return out
}

// judgeShadow judges the figures of the copies, and says what they break. Where there
// are too few requests to judge, it is to be done again, for as long as the gates have
// patience.
func (k modelEndpointKind) judgeShadow(ctx context.Context, s scene, e endpointState) (words string, again bool, err error) {
	r := e.spec().Rollout
	if r.Gates == nil || figuresOf(s.layout).requests == "" {
		return "", false, nil
	}
	patient := time.Since(e.facts.Shadow) < r.Bake.Or(mlops.DefaultBake)+r.Gates.Wait.Or(mlops.DefaultGateWait)
	var broken []string
	for _, name := range fresh(e.facts) {
		f, err := k.measure(ctx, s, e.facts.Asked.service(name), e.facts.Shadow)
		if err != nil {
			return "", false, err
		}
		if !r.Gates.Enough(f) {
			again = patient
			broken = append(broken, fmt.Sprintf("too few requests to judge: min_requests = %d, measured %s", r.Gates.MinRequests, f))
		}
		broken = append(broken, r.Gates.Judge(f)...)
	}
	if len(broken) == 0 || again {
		return "", again, nil
	}
	return "the copies of requests: " + strings.Join(broken, "; "), false, nil
}

// sweep removes the servers that are not needed any more, and lets the route forget
// them first.
func (k modelEndpointKind) sweep(ctx context.Context, s scene, e endpointState) error {
	if s.knative() && e.facts.Failure != "" && e.facts.Before != nil {
		return k.restore(ctx, s, e)
	}
	surplus := e.surplus()
	if !e.facts.Done.IsZero() && e.facts.Before != nil {
		e.facts.Before = nil
		maps.DeleteFunc(e.facts.Applied, func(name string, _ any) bool { return slices.Contains(surplus, name) })
		if err := k.keep(ctx, s, e); err != nil {
			return err
		}
	}
	var parts []identity
	for _, name := range surplus {
		parts = append(parts, s.of(kindInferenceService, name))
	}
	return k.dismiss(ctx, s.cluster, s.id, parts)
}

// drop takes the traffic away, then removes the servers, and then the route, which
// Advance goes on with. An endpoint that is protected is Invalid, a watched one a
// Conflict; half an endpoint is not worth protection.
func (k modelEndpointKind) drop(ctx context.Context, s scene, e endpointState) error {
	if !isLeaving(e.object) {
		if err := k.mayGo(ctx, s, e); err != nil {
			return err
		}
		if err := k.leave(ctx, s, e); err != nil {
			return err
		}
	}
	if len(e.services()) == 0 {
		err := s.cluster.remove(ctx, e.object)
		return withoutKind(err)
	}
	var parts []identity
	for _, name := range e.services() {
		parts = append(parts, s.of(kindInferenceService, name))
	}
	return k.dismiss(ctx, s.cluster, s.id, parts)
}

// mayGo insists that an endpoint is neither protected nor watched.
func (k modelEndpointKind) mayGo(ctx context.Context, s scene, e endpointState) error {
	if e.spec().DeletionProtection {
		return mlops.InvalidField("deletion_protection", "%q is protected; set deletion_protection = false and apply, then delete it", s.id)
	}
	lister, ok := k.Monitors().(mlops.Lister[mlops.MonitorSpec, mlops.MonitorStatus])
	if !ok {
		return nil
	}
	monitors, err := lister.List(ctx, s.spec.ID)
	for _, m := range monitors {
		if m.Spec.Endpoint == s.id {
			return mlops.NewError(mlops.Conflict, fmt.Errorf("%q is watched by %q; remove that first", s.id, m.Ref))
		}
	}
	return err
}

// leave marks an endpoint as one that is being removed, and lets nobody reach it.
func (k modelEndpointKind) leave(ctx context.Context, s scene, e endpointState) error {
	m := s.component(s.routeOf(), routeContent(s, mlops.ModelEndpointSpec{}, endpointFacts{}), e.spec().Labels)
	for key, value := range e.object.GetAnnotations() {
		if strings.HasPrefix(key, prefix) {
			m.annotations[key] = value
		}
	}
	m.annotations[noteLeaving] = "true"
	_, err := s.cluster.apply(ctx, m)
	return k.explain(err, m.identity, endpointOrigins())
}

// remarshal reads a value by way of JSON.
func remarshal(from, into any) error {
	raw, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}
