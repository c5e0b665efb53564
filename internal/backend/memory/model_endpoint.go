package memory

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// ModelEndpoints returns the kind of endpoints.
func (b *backend) ModelEndpoints() mlops.Kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus] {
	return &endpointKind{kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{b, mlops.NounModelEndpoint, endpoints{}}}
}

// endpointKind can also be measured, probed and asked for credentials.
type endpointKind struct {
	kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]
}

// Measure returns what the labels of the served versions say.
func (k *endpointKind) Measure(ctx context.Context, ref mlops.ID, _ time.Time) (map[string]mlops.Figures, error) {
	spec, err := k.inForce(ctx, "measure", ref)
	if err != nil {
		return nil, err
	}
	out := map[string]mlops.Figures{}
	for variant, v := range spec.Variants {
		if r, ok := k.platform.records[v.Version]; ok && v.Traffic > 0 {
			out[variant] = figuresOf(decode[mlops.ModelVersionSpec](r.spec).Labels)
		}
	}
	return out, nil
}

// Probe is answered with status 200, as every request in memory is.
func (k *endpointKind) Probe(ctx context.Context, ref mlops.ID, variant string) error {
	spec, err := k.inForce(ctx, "probe", ref)
	if err != nil {
		return err
	}
	if _, ok := spec.Variants[variant]; !ok {
		return refuse(mlops.NotFound, "%q has no variant %q", ref, variant)
	}
	return nil
}

// Credentials gives out a token that opens nothing.
func (k *endpointKind) Credentials(ctx context.Context, ref mlops.ID) (mlops.Credentials, error) {
	spec, err := k.inForce(ctx, "credentials", ref)
	if err != nil {
		return mlops.Credentials{}, err
	}
	c := mlops.Credentials{URL: urlOf(ref), Headers: map[string]string{}}
	if spec.Access == mlops.AccessToken {
		c.Token = "memory-" + mlops.DigestOf(ref)
		c.Headers["Authorization"] = "Bearer " + c.Token
	}
	return c, nil
}

// inForce counts a call and returns an endpoint's spec in force.
func (k *endpointKind) inForce(ctx context.Context, verb string, ref mlops.ID) (mlops.ModelEndpointSpec, error) {
	if err := ctx.Err(); err != nil {
		return mlops.ModelEndpointSpec{}, err
	}
	defer k.platform.enter(verb, k.noun)()
	r, ok := k.platform.records[ref]
	if !ok || r.noun != k.noun {
		return mlops.ModelEndpointSpec{}, noSuch(ref)
	}
	return decode[mlops.ModelEndpointSpec](r.spec), nil
}

type endpoints struct{}

func (endpoints) name(spec mlops.ModelEndpointSpec) string { return spec.Name }

func (endpoints) place(p *Platform, _ string, from mlops.ID, spec mlops.ModelEndpointSpec) (placed[mlops.ModelEndpointSpec], error) {
	at := placed[mlops.ModelEndpointSpec]{id: spec.ID(), spec: spec}
	if err := p.exists("environment", spec.Environment); err != nil {
		return at, err
	}
	for variant, v := range spec.Variants {
		field := mlops.At("variants", mlops.Key(variant), "version").String()
		if err := p.exists(field, v.Version); err != nil {
			return at, err
		}
		if v.Version.Environment() != spec.Environment {
			return at, mlops.InvalidField(field, "%q is of another environment", v.Version)
		}
	}
	if err := p.approved(spec); err != nil {
		return at, err
	}
	return at, stays(from, at.id)
}

// approved refuses what an environment of this stage must not serve. What it
// serves already may stay.
func (p *Platform) approved(spec mlops.ModelEndpointSpec) error {
	stage := decode[mlops.EnvironmentSpec](p.records[spec.Environment].spec).Stage
	former := p.records[spec.ID()]
	c := mlops.NewChecker()
	for variant, v := range spec.Variants {
		if former != nil && former.inForce && serves(former, func(id mlops.ID) bool { return id == v.Version }) {
			continue
		}
		approval := decode[mlops.ModelVersionSpec](p.records[v.Version].spec).Approval
		mlops.CheckApproval(c, mlops.At("variants", mlops.Key(variant), "version"), stage, v.Version, approval)
	}
	return c.Err()
}

// whim lets a smoke test that expects anything but 200 fail: that is what an
// endpoint in memory would answer.
func (endpoints) whim(_ *Platform, spec mlops.ModelEndpointSpec) whim {
	w := whimOf(spec.Labels)
	if s := spec.SmokeTest; s != nil && s.Status != http.StatusOK && w.fail == "" {
		w.fail = fmt.Sprintf("the smoke test expected status %d and got 200", s.Status)
	}
	return w
}

func (endpoints) status(p *Platform, r *record, spec mlops.ModelEndpointSpec) mlops.ModelEndpointStatus {
	s := mlops.ModelEndpointStatus{
		URL:      urlOf(r.id),
		Serving:  map[string]mlops.Serving{},
		Replicas: map[string]int64{},
		Previous: r.previous,
	}
	if !r.inForce {
		return s
	}
	for variant, v := range spec.Variants {
		s.Serving[variant] = mlops.Serving{
			Version: v.Version, Digest: p.digestOf(v.Version), Traffic: v.Traffic, Since: r.served[v.Version],
		}
		s.Replicas[variant], _, _ = v.Scaling.Bounds()
	}
	return s
}

func urlOf(id mlops.ID) string { return "http://memory.invalid/" + string(id) }

// leave notes what an endpoint serves before a change of it. A rollout in steps
// that the provider drives is one change.
func (p *Platform) leave(r *record, next mlops.ModelEndpointSpec) {
	now := decode[mlops.ModelEndpointSpec](r.spec)
	variants := now.Variants
	if now.Transition != nil {
		variants = now.Transition.From
	}
	if next.Transition != nil || mlops.DigestOf(variants) == mlops.DigestOf(next.Variants) {
		return
	}
	r.previous = map[string]mlops.Serving{}
	for variant, v := range variants {
		r.previous[variant] = mlops.Serving{Version: v.Version, Digest: p.digestOf(v.Version), Traffic: v.Traffic}
	}
}

// serve notes from when on an endpoint serves what it serves now.
func (p *Platform) serve(r *record) {
	since := map[mlops.ID]time.Time{}
	for _, v := range decode[mlops.ModelEndpointSpec](r.spec).Variants {
		if v.Traffic == 0 {
			continue
		}
		since[v.Version] = r.settled
		if before, ok := r.served[v.Version]; ok {
			since[v.Version] = before
		}
	}
	r.served = since
}

func (p *Platform) digestOf(version mlops.ID) string {
	if r, ok := p.records[version]; ok {
		return r.facts.digest
	}
	return ""
}

// serves reports whether a record is an endpoint with a variant, in force or
// asked for, whose version satisfies the condition.
func serves(r *record, is func(version mlops.ID) bool) bool {
	if r.noun != mlops.NounModelEndpoint {
		return false
	}
	specs := []mlops.ModelEndpointSpec{decode[mlops.ModelEndpointSpec](r.spec)}
	if r.asked != nil {
		specs = append(specs, decode[mlops.ModelEndpointSpec](r.asked.spec))
	}
	for _, spec := range specs {
		for _, v := range spec.Variants {
			if is(v.Version) {
				return true
			}
		}
	}
	return false
}
