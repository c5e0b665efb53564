package kubernetes

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

type endpointObserved = mlops.Observed[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]

// Get looks at the route, the servers, and where these are not ready at their pods.
func (k modelEndpointKind) Get(ctx context.Context, ref mlops.ID) (endpointObserved, error) {
	s, err := k.scene(ctx, ref)
	if err != nil {
		return endpointObserved{Ref: ref}, err
	}
	e, err := k.look(ctx, s)
	if err != nil {
		return endpointObserved{Ref: ref}, err
	}
	k.diagnose(ctx, s, &e)
	return e.observed(s), nil
}

// List returns the endpoints of an environment.
func (k modelEndpointKind) List(ctx context.Context, parent mlops.ID) ([]endpointObserved, error) {
	if _, err := parent.ParseAs(mlops.NounEnvironment); err != nil {
		return nil, invalid(err)
	}
	p, err := k.place(ctx, parent)
	if k.is(err, mlops.NotFound) {
		return nil, nil // there is nothing in what is not there
	}
	if err != nil {
		return nil, err
	}
	out := []endpointObserved{}
	err = k.eachState(ctx, p, func(e endpointState) {
		out = append(out, e.observed(scene{place: p, noun: mlops.NounModelEndpoint, id: e.record.ID}))
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b endpointObserved) int { return cmp.Compare(a.Ref, b.Ref) })
	return out, nil
}

// eachState calls take with every endpoint of an environment, by a few lists however
// many there are. Those that wait for something come last, with what their pods say,
// whose logs are not read; of the others one at a time is in memory.
func (k modelEndpointKind) eachState(ctx context.Context, p place, take func(endpointState)) error {
	seen, err := k.seen(ctx, p, selects(mlops.NounModelEndpoint), true)
	if err != nil {
		return err
	}
	var late []*endpointState
	err = p.each(ctx, p.endpointCarrier(), mlops.NounModelEndpoint, func(h held) error {
		e, err := newEndpointState(h)
		if err != nil {
			return err
		}
		seen.give(&e)
		scene{place: p, noun: mlops.NounModelEndpoint, id: e.record.ID}.weigh(&e)
		if e.waits() {
			late = append(late, &e)
			return nil
		}
		take(e)
		return nil
	})
	if withoutKind(err) != nil {
		return err
	}
	k.takeLate(ctx, p, late, take)
	return nil
}

// takeLate calls take with endpoints that wait for something.
func (k modelEndpointKind) takeLate(ctx context.Context, p place, late []*endpointState, take func(endpointState)) {
	byName := map[string]*endpointState{}
	for _, e := range late {
		byName[labelValue(e.record.ID.Name())] = e
	}
	for _, t := range k.troubles(ctx, p, late) {
		if e, there := byName[t.endpoint]; there {
			e.blame(t)
		}
	}
	for _, e := range late {
		take(*e)
	}
}

// observed is an endpoint as the contract has it.
func (e endpointState) observed(s scene) endpointObserved {
	v := e.verdict()
	out := endpointObserved{
		Ref: s.id, Phase: v.phase, Reason: v.reason, Wait: v.wait, Due: v.step != endpointRest, Spec: e.spec(), Revision: e.record.Revision,
		Status: mlops.ModelEndpointStatus{URL: e.url(s), Serving: map[string]mlops.Serving{}, Replicas: map[string]int64{}},
		Native: e.native(s),
	}
	f := e.facts.force()
	if f == nil || v.phase == mlops.PhaseFailed {
		return out
	}
	out.Spec, out.Revision, out.Status.Previous = f.Spec, f.Revision, f.Previous
	e.showFlaws(&out, f)
	for variant, of := range out.Spec.Variants {
		server := f.Servers[variant]
		if !e.serverless {
			out.Native["inference_service_"+variant] = server
		} else if revision := f.Revisions[server]; revision != "" {
			out.Native["revision_"+variant] = revision
		}
		out.Status.Serving[variant] = mlops.Serving{Version: of.Version, Digest: f.Digests[of.Version], Traffic: of.Traffic, Since: f.Since[variant]}
		out.Status.Replicas[variant] = e.servers[server].replicas
	}
	if e.moved != "" { // it serves, but not what it would serve
		out.Spec.Variants, out.Revision, out.Reason = map[string]mlops.Variant{}, "", e.moved
	} else if e.bent != "" && out.Revision != "" { // it may serve, but not as it would
		out.Spec.Variants, out.Revision, out.Reason = map[string]mlops.Variant{}, "", e.bent
	}
	if e.keeping() {
		out.Status.PreviousUntil = e.keptUntil()
	}
	out.Status.Rollout = e.rollout(v)
	return out
}

// url is where an endpoint answers, "" where that is not known.
func (e endpointState) url(s scene) string {
	switch {
	case !e.serverless:
		return e.gateway.url(s.layout, s.id.Name())
	case e.knative != nil:
		return e.knative.url
	}
	return ""
}

// native are the names of what an endpoint is made of, but for its variants'.
func (e endpointState) native(s scene) map[string]string {
	if e.serverless {
		return map[string]string{"namespace": s.namespace, "inference_service": s.id.Name(), "knative_service": predictor(s.id.Name())}
	}
	return map[string]string{"namespace": s.namespace, "http_route": s.id.Name(), "gateway": e.gateway.ref.Namespace + "/" + e.gateway.ref.Name}
}

// showFlaws makes what somebody changed a difference from the configuration: a server
// that is gone, or is another, is no variant, and shares are those of the route.
func (e endpointState) showFlaws(out *endpointObserved, f *endpointForm) {
	if e.serverless {
		e.showKnativeFlaw(out, f)
		return
	}
	out.Spec.Variants = maps.Clone(out.Spec.Variants)
	shares := e.shares()
	for variant, v := range f.Spec.Variants {
		if words := e.flawOf(f.Servers[variant]); words != "" {
			delete(out.Spec.Variants, variant)
			out.Revision, out.Reason = "", words
			continue
		}
		share, ok := shares[f.Servers[variant]]
		if (ok || e.bent != "") && share != v.Traffic && e.alone(f, variant) {
			v.Traffic = share
			out.Spec.Variants[variant] = v
			out.Revision, out.Reason = "", cmp.Or(e.bent, flawOfWeights)
		}
	}
}

// alone reports whether a variant has a server of its own.
func (e endpointState) alone(f *endpointForm, variant string) bool {
	n := 0
	for _, server := range f.Servers {
		if server == f.Servers[variant] {
			n++
		}
	}
	return n == 1
}

// shares are the weights that the route gives to servers now.
func (e endpointState) shares() map[string]int64 {
	var spec route
	if err := remarshal(e.object.Object["spec"], &spec); err != nil || len(spec.Rules) < 2 {
		return nil
	}
	out := map[string]int64{}
	for _, b := range spec.Rules[len(spec.Rules)-2].Backends { // the last two are of all requests
		if b.Weight != nil {
			out[strings.TrimSuffix(b.Name, "-predictor")] = *b.Weight
		}
	}
	return out
}

// rollout says how the last change of traffic stands, or ended, where that is not the
// provider's to drive.
func (e endpointState) rollout(v endpointVerdict) *mlops.RolloutStatus {
	r := e.spec().Rollout
	if r == nil || r.Strategy != mlops.RolloutShadow && r.Strategy != mlops.RolloutAllAtOnce || e.facts.Before == nil {
		return nil
	}
	out := &mlops.RolloutStatus{
		Revision: e.record.Revision, Strategy: r.Strategy, State: mlops.RolloutRunning, Steps: int64(len(r.Stages())),
		Candidate: map[string]mlops.Serving{}, StartedAt: e.facts.Begun, Reason: e.facts.Failure,
	}
	for _, variant := range slices.Sorted(maps.Keys(e.spec().Variants)) {
		of := e.spec().Variants[variant]
		out.Candidate[variant] = mlops.Serving{Version: of.Version, Digest: e.facts.Asked.Digests[of.Version], Traffic: of.Traffic}
	}
	switch {
	case e.facts.Failure != "":
		out.State = mlops.RolloutRolledBack
	case !e.facts.Done.IsZero():
		out.State, out.Step, out.Percent, out.EndedAt = mlops.RolloutDone, out.Steps, 100, e.facts.Done
	case !e.facts.Shadow.IsZero():
		out.Step, out.Percent, out.StepAt = 1, r.Stages()[0], e.facts.Shadow
	}
	if v.phase == mlops.PhasePending && out.State == mlops.RolloutDone {
		out.EndedAt = time.Time{}
	}
	return out
}
