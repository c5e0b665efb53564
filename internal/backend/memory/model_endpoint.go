package memory

import (
	"fmt"
	"net/http"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// ModelEndpoints returns the kind of endpoints.
func (b *backend) ModelEndpoints() mlops.Kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus] {
	return &kind[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]{b, mlops.NounModelEndpoint, endpoints{}}
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
			return at, refuseField(field, "%q is of another environment", v.Version)
		}
	}
	return at, stays(from, at.id)
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
		URL:      "http://memory.invalid/" + string(r.id),
		Serving:  map[string]mlops.Serving{},
		Replicas: map[string]int64{},
	}
	if !r.inForce {
		return s
	}
	for variant, v := range spec.Variants {
		s.Serving[variant] = mlops.Serving{Version: v.Version, Digest: p.digestOf(v.Version), Traffic: v.Traffic}
		s.Replicas[variant], _, _ = v.Scaling.Bounds()
	}
	return s
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
