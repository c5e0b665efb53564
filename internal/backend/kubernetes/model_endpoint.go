package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The kinds that an endpoint is made of, and those that it needs.
const (
	kindInferenceService kind = "serving.kserve.io/v1beta1/InferenceService"
	kindRuntime          kind = "serving.kserve.io/v1alpha1/ServingRuntime"
	kindClusterRuntime   kind = "serving.kserve.io/v1alpha1/ClusterServingRuntime"
	kindHTTPRoute        kind = "gateway.networking.k8s.io/v1/HTTPRoute"
	kindGateway          kind = "gateway.networking.k8s.io/v1/Gateway"
)

// modelEndpointKind is the kind of endpoints: an HTTPRoute, which carries the record
// and whose weights share the traffic out, and an InferenceService for each server.
type modelEndpointKind struct {
	*backend

	versions mlops.Kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus]
}

// ModelEndpoints returns the kind of endpoints.
func (b *backend) ModelEndpoints() mlops.Kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus] {
	return modelEndpointKind{b, b.ModelVersions()}
}

// noun is how the verbs are carried out.
func (k modelEndpointKind) noun() verbs.Noun[mlops.ModelEndpointSpec, scene, endpointState] {
	return verbs.Noun[mlops.ModelEndpointSpec, scene, endpointState]{
		Owner: k.options.Owner, Turns: &k.turns, Code: k.Code,
		ID:    mlops.ModelEndpointSpec.ID,
		Kept:  func(e endpointState) verbs.Kept { return e.kept() },
		Admit: k.admit, Scene: k.scene, Look: k.look, Add: k.add, Change: k.change, Drop: k.drop,
	}
}

// Create starts an endpoint's servers, or brings its owner's own endpoint to the spec.
func (k modelEndpointKind) Create(ctx context.Context, spec mlops.ModelEndpointSpec) (mlops.Change, error) {
	return k.noun().Create(ctx, spec)
}

// Update starts the servers that a spec needs beside those that there are. They get
// traffic when all are ready, by Advance.
func (k modelEndpointKind) Update(ctx context.Context, ref mlops.ID, spec mlops.ModelEndpointSpec) (mlops.Change, error) {
	return k.noun().Update(ctx, ref, spec)
}

// Delete takes the traffic away and starts to remove the servers. An endpoint that is
// protected is Invalid, one that is watched a Conflict.
func (k modelEndpointKind) Delete(ctx context.Context, ref mlops.ID) error {
	return k.noun().Remove(ctx, ref)
}

func (k modelEndpointKind) scene(ctx context.Context, id mlops.ID) (scene, error) {
	return k.sceneOf(ctx, id, mlops.NounModelEndpoint)
}

// admit refuses what can never be, or what the cluster has no means for.
func (k modelEndpointKind) admit(ctx context.Context, spec mlops.ModelEndpointSpec) error {
	return k.grant(ctx, spec, endpointDemands(spec))
}

// endpointDemands are what an endpoint asks of its environment and of the cluster.
func endpointDemands(spec mlops.ModelEndpointSpec) demands {
	return demands{
		noun: mlops.NounModelEndpoint, id: spec.ID(),
		alone:  func(c *mlops.Checker) { checkEndpoint(c, spec) },
		within: func(c *mlops.Checker, l layout) { checkEndpointPlace(c, spec, l) },
		needs:  func(l layout) []capability { return endpointNeeds(spec, l) },
		mode: func(l layout) error {
			if !l.knative() {
				return nil
			}
			return knativeCapabilities().Admit(name, mlops.NounModelEndpoint, spec.Name, withoutSteps(spec))
		},
	}
}

// endpointNeeds lists what a spec needs of a cluster.
func endpointNeeds(spec mlops.ModelEndpointSpec, l layout) []capability {
	if l.knative() {
		return []capability{needsKServe, needsKnative}
	}
	needs := []capability{needsKServe, needsGateway}
	for _, v := range spec.Variants {
		if byRequests(v.Scaling) && !slices.Contains(needs, needsKEDA) {
			needs = append(needs, needsKEDA)
		}
	}
	return needs
}

// routeOf is the route of an endpoint, which carries its record. In Knative mode, where
// the route is Knative's, it is a config map.
func (s scene) routeOf() identity {
	if s.knative() {
		return s.of(kindConfigMap, "endpoint-"+s.id.Name())
	}
	return s.of(kindHTTPRoute, s.id.Name())
}

// ofEndpoint selects the parts of an endpoint, and what KServe makes of them.
func (s scene) ofEndpoint() string {
	return selects(mlops.NounModelEndpoint) + "," + labelName + "=" + labelValue(s.id.Name())
}

// look reads the route with its record, and the servers with what they run on.
func (k modelEndpointKind) look(ctx context.Context, s scene) (endpointState, error) {
	h, err := s.look(ctx, s.routeOf())
	if isNotFound(err) {
		err = mlops.NewError(mlops.NotFound, fmt.Errorf("%q does not exist: %w", s.id, err))
	}
	if err != nil {
		return endpointState{}, err
	}
	state, err := newEndpointState(h)
	if err != nil {
		return state, err
	}
	seen, err := k.seen(ctx, s.place, s.ofEndpoint(), state.facts.force() != nil) // of what serves nobody yet, nobody asks
	if err == nil {
		seen.give(&state)
	}
	s.weigh(&state)
	return state, err
}

func (k modelEndpointKind) add(ctx context.Context, s scene, spec mlops.ModelEndpointSpec) (mlops.Change, error) {
	return k.put(ctx, s, spec, endpointState{})
}

// change brings an endpoint to a spec. One that has it, or is on its way to it, is left
// alone.
func (k modelEndpointKind) change(ctx context.Context, s scene, spec mlops.ModelEndpointSpec, old endpointState) (mlops.Change, error) {
	if old.record.Spec == nil { // its creation was interrupted
		return k.put(ctx, s, spec, endpointState{held: held{object: old.object}, serverless: old.serverless, knative: old.knative})
	}
	if old.record.Revision == revisionOf(spec) && old.record.Owner == k.options.Owner && old.facts.Failure == "" && old.flaw() == "" {
		return old.record.change(), nil
	}
	return k.put(ctx, s, spec, old)
}

// put starts the servers of a spec and then writes the route, which carries the record
// and gives traffic to none of them yet. A route that is not there is claimed first: of
// two who make it only one succeeds.
func (k modelEndpointKind) put(ctx context.Context, s scene, spec mlops.ModelEndpointSpec, old endpointState) (mlops.Change, error) {
	c, err := k.compile(ctx, s, spec, old)
	if err != nil {
		return mlops.Change{}, err
	}
	if old.object == nil {
		if err := k.claimRoute(ctx, s); err != nil {
			return mlops.Change{}, err
		}
	}
	change := mlops.Change{Ref: s.id, Revision: revisionOf(spec)}
	facts := old.facts.next(old.record, c.form, old.spec())
	for _, m := range c.services {
		have, err := k.applied(ctx, s.cluster, s.id, m.manifest, variantOrigins())
		if err != nil {
			return change, m.blame(err)
		}
		applied, err := m.echo(have)
		if err != nil {
			return change, err
		}
		facts.Applied[m.server()] = withoutShare(applied)
	}
	return change, k.write(ctx, s, spec, old.record, facts)
}

// claimRoute makes the route of an endpoint that is not there, without a record.
func (k modelEndpointKind) claimRoute(ctx context.Context, s scene) error {
	m := s.component(s.routeOf(), routeContent(s, mlops.ModelEndpointSpec{}, endpointFacts{}), nil)
	m.annotations[noteClaim] = k.options.Owner
	return k.explain(s.cluster.claim(ctx, m), m.identity, endpointOrigins())
}

// write brings the route to what the facts come to, and keeps them.
func (k modelEndpointKind) write(ctx context.Context, s scene, spec mlops.ModelEndpointSpec, former record, facts endpointFacts) error {
	m, err := k.routeManifest(s, spec, former, facts)
	if err != nil {
		return err
	}
	_, err = s.cluster.apply(ctx, m)
	return k.explain(err, m.identity, endpointOrigins())
}

// routeManifest is the route with its record.
func (k modelEndpointKind) routeManifest(s scene, spec mlops.ModelEndpointSpec, former record, facts endpointFacts) (manifest, error) {
	m := s.component(s.routeOf(), routeContent(s, spec, facts), spec.Labels)
	r, err := k.newRecord(s.id, spec, former)
	if err != nil {
		return m, err
	}
	if r.Extra, err = json.Marshal(facts); err != nil {
		return m, err
	}
	m.annotations, err = r.annotations()
	return m, err
}

// endpointOrigins says which attributes the fields of an endpoint's objects come from.
// Those of a variant are told apart by who compiles it.
func endpointOrigins() origins {
	return origins{
		"metadata.name": "name", "metadata.labels": "labels", "spec.rules": "variants",
		"spec.parentRefs": "environment", "spec.hostnames": "environment", "spec.predictor": "variants",
	}
}

// newEndpointState reads what a route's record says. What it runs on is to be added.
func newEndpointState(h held) (endpointState, error) {
	e := endpointState{held: h, servers: map[string]server{}}
	if h.record.Extra != nil {
		if err := json.Unmarshal(h.record.Extra, &e.facts); err != nil {
			return e, err
		}
	}
	if h.record.Spec != nil {
		if err := h.record.into(&e.facts.Asked.Spec); err != nil {
			return e, errors.Join(err, errors.New("the record of the endpoint cannot be read"))
		}
		e.facts.Asked.Revision = h.record.Revision
	}
	return e, nil
}

// runOn adds an endpoint's servers, and how many replicas of each are ready.
func (e endpointState) runOn(servers map[string]server, replicas map[string]int64) {
	for name, s := range servers {
		s.replicas = replicas[name]
		e.servers[name] = s
	}
}
