package serving

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// plan is a spec resolved to what must run.
type plan struct {
	spec     mlops.ModelEndpointSpec
	revision string
	variants []planned // by name
}

// planned is one variant of a plan.
type planned struct {
	name    string
	share   mlops.Variant
	model   model
	content string // mark of everything that a server's process depends on
}

// model is a version's part in a server.
type model struct {
	Digest   string
	Format   string
	Path     string
	Command  []string
	Packages []string
}

const (
	defaultRequestTimeout = time.Minute
	defaultStartup        = 5 * time.Minute
	defaultIdleAfter      = 5 * time.Minute
)

// checkReferences refuses a spec that refers to what is not there.
func (s *Service) checkReferences(ctx context.Context, tx *store.Tx, spec mlops.ModelEndpointSpec) error {
	env, err := s.Store.Environments().GetTx(ctx, tx, spec.Environment)
	if err != nil {
		return invalid("environment", err)
	}
	if env.Phase == mlops.PhaseDeleting {
		return invalid("environment", fmt.Errorf("%s is being deleted", spec.Environment))
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Variants)) {
		field := mlops.At("variants", mlops.Key(name), "version").String()
		version := spec.Variants[name].Version
		if version.Environment() != spec.Environment {
			return invalid(field, fmt.Errorf("%q is of another environment", version))
		}
		r, err := s.Store.Versions().GetTx(ctx, tx, version)
		if err != nil {
			return invalid(field, err)
		}
		if _, err := modelOf(r); err != nil {
			return invalid(field, err)
		}
		c := mlops.NewChecker()
		mlops.CheckApproval(c, mlops.At("variants", mlops.Key(name), "version"), env.Observed().Spec.Stage, version, r.Spec.Approval)
		if err := c.Err(); err != nil {
			return err
		}
	}
	return nil
}

// invalid is an error of code Invalid about a field. Errors of the store itself
// are left as they are.
func invalid(field string, err error) error {
	if code := mlops.CodeOf(err); code != mlops.NotFound && code != mlops.Unknown {
		return err
	}
	return &mlops.Error{Code: mlops.Invalid, Field: field, Err: err}
}

// resolve turns a spec into a plan.
func (s *Service) resolve(ctx context.Context, spec mlops.ModelEndpointSpec, revision string) (plan, error) {
	p := plan{spec: spec, revision: revision}
	for _, name := range slices.Sorted(maps.Keys(spec.Variants)) {
		share := spec.Variants[name]
		r, err := s.Store.Versions().Get(ctx, share.Version)
		if err != nil {
			return p, fmt.Errorf("variant %q: %w", name, err)
		}
		m, err := modelOf(r)
		if err != nil {
			return p, fmt.Errorf("variant %q: %w", name, err)
		}
		p.variants = append(p.variants, planned{name: name, share: share, model: m, content: contentOf(spec.Name, m, share)})
	}
	return p, nil
}

// contentOf marks what a server's process depends on: equal marks need no new
// process.
func contentOf(endpoint string, m model, v mlops.Variant) string {
	d := mlops.DigestOf(struct {
		Endpoint string
		Model    model
		Env      map[string]string
		Compute  *mlops.Compute
		Adapter  string
	}{endpoint, m, v.Env, v.Compute, adapterFor(m.Format)})
	return strings.TrimPrefix(d, "sha256:")[:12]
}

// modelOf returns what a version brings to a server. A version that is not
// registered, or of a format that cannot be served, is refused.
func modelOf(r store.Record[mlops.ModelVersionSpec, mlops.ModelVersionStatus]) (model, error) {
	if r.Revision == "" || r.Phase == mlops.PhaseDeleting {
		return model{}, fmt.Errorf("model version %s is %s", r.ID, r.Phase)
	}
	if !slices.Contains(mlops.Formats(), r.Spec.Format) {
		return model{}, fmt.Errorf("model version %s has format %q, which cannot be served", r.ID, r.Spec.Format)
	}
	u, err := url.Parse(r.Status.URI)
	if err != nil || u.Scheme != "file" || u.Path == "" {
		return model{}, fmt.Errorf("model version %s has its bytes at %q; this engine serves files", r.ID, r.Status.URI)
	}
	return model{
		Digest: r.Status.Digest, Format: r.Spec.Format, Path: u.Path,
		Command: r.Spec.Command, Packages: packagesFor(r.Spec.Format, r.Status.Packages, u.Path),
	}, nil
}

// bounds are within what and by what a variant is scaled.
type bounds struct {
	low, high, concurrency int64
	idleAfter              time.Duration
}

func boundsOf(s *mlops.Scaling) bounds {
	low, high, concurrency := s.Bounds()
	b := bounds{low: low, high: high, concurrency: concurrency, idleAfter: defaultIdleAfter}
	if s != nil {
		b.idleAfter = s.IdleAfter.Or(defaultIdleAfter)
	}
	return b
}

// clamp returns the nearest number of replicas within the bounds.
func (b bounds) clamp(n int) int { return min(max(n, int(b.low)), int(b.high)) }

// first is how many replicas a variant starts with: at least one, to prove that
// it works, and no fewer than what it takes over from has.
func (b bounds) first(before int) int { return min(max(1, int(b.low), before), int(b.high)) }

// atOnce is how many replicas take over from others without waiting for more:
// what is kept warm.
func (b bounds) atOnce() int { return max(1, int(b.low)) }

// serving is what answers once the plan is in force, by variant.
func (p plan) serving() map[string]mlops.Serving {
	out := map[string]mlops.Serving{}
	for _, v := range p.variants {
		out[v.name] = mlops.Serving{Version: v.share.Version, Digest: v.model.Digest, Traffic: v.share.Traffic}
	}
	return out
}

// requestTimeout is how long one request may take.
func (p plan) requestTimeout() time.Duration { return p.spec.Timeout.Or(defaultRequestTimeout) }
