package provider

import (
	"context"
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The bytes of versions and datasets lie where others write: a plan asks what they are
// now, also where nothing else has changed.

// digestAttribute has the digest of such bytes as the state knows them.
const digestAttribute = "digest"

// outsideBytes is what a platform says of the bytes that a spec names.
type outsideBytes struct {
	digest string // "" where that is not known
	err    error
}

// same reports whether the bytes are those of a digest, as far as is known.
func (b outsideBytes) same(digest string) bool { return b.digest == "" || b.digest == digest }

type outsideKey struct{}

// outsideNow asks for the bytes that a spec names, unless this request has asked.
func outsideNow[S any](ctx context.Context, planner mlops.Planner[S], spec S) outsideBytes {
	if seen, ok := ctx.Value(outsideKey{}).(outsideBytes); ok {
		return seen
	}
	digest, err := planner.Digest(ctx, spec)
	return outsideBytes{digest, err}
}

// planner is what tells digests on a backend; nil where nothing does.
func (r *managed[M, S, T]) planner(ctx context.Context, p *platforms, backend string) (mlops.Planner[S], error) {
	target, err := r.target(ctx, p, backend)
	planner, _ := target.Kind.(mlops.Planner[S])
	return planner, err
}

// outsideStays reports whether the outside bytes that a configuration names are certainly
// those that the state knows. The context has what was seen of them.
func (r *managed[M, S, T]) outsideStays(ctx context.Context, p *platforms, config, state packed) (bool, context.Context) {
	if r.outside == nil {
		return true, ctx
	}
	var m M
	if !r.shapes.fillMembers(config, reflect.ValueOf(&m).Elem()) {
		return false, ctx
	}
	spec := r.toSpec(m)
	if !r.outside(spec) {
		return true, ctx
	}
	planner, err := r.planner(ctx, p, r.parentOf(spec).Backend())
	if err != nil || planner == nil {
		return err == nil, ctx
	}
	seen := outsideNow(ctx, planner, spec)
	return seen.err == nil && seen.same(state.member(digestAttribute).words()), context.WithValue(ctx, outsideKey{}, seen)
}

// sameBytes reports whether the outside bytes that a spec names are still those
// that the state knows. What cannot be told now is taken to be the same: a
// version that is registered does not need its source any more.
func (r *managed[M, S, T]) sameBytes(ctx context.Context, p proposal[M, S], diags *diag.Diagnostics) bool {
	if r.outside == nil || !r.outside(p.asked.spec) || len(p.asked.unknown) > 0 {
		return true
	}
	planner, err := r.planner(ctx, r.platforms, p.asked.backend)
	if err != nil || planner == nil {
		r.fail(ctx, err, diags)
		return true
	}
	seen := outsideNow(ctx, planner, p.asked.spec)
	if seen.err != nil {
		diags.AddWarning("Cannot tell whether the bytes changed", "The bytes of the "+r.noun.Words()+" \""+string(p.held)+
			"\" cannot be read now, so this plan takes them to be the same as before.\n\nThe backend "+p.asked.backend+" said: "+seen.err.Error())
		return true
	}
	return seen.same(textOf(p.state[digestAttribute]))
}
