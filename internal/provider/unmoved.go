package provider

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/tinylib/msgp/msgp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// A refresh of a large stack finds most objects as their states have them. The
// framework finds that out by six transformations of each. Here what was seen is
// compared with the state as it is: where all of it is the same, the answer is the
// state that came; anything else is the framework's, which is given what was seen.

// still is a resource that can tell when an object is as its state has it.
type still interface {
	// unmoved answers a refresh, or returns nil and the context to ask the framework
	// with.
	unmoved(ctx context.Context, p *platforms, q *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, context.Context)
}

// unmoved implements still.
func (r *managed[M, S, T]) unmoved(ctx context.Context, p *platforms, q *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, context.Context) {
	state := packedOf(q.CurrentState)
	id, identity := mlops.ID(state.member("id").words()), q.CurrentIdentity
	if identity == nil { // Terraform before 1.12 keeps none, and OpenTofu
		identity = identityOf(id)
	}
	if id == "" || identityIn(identity) != id || !plainPrivate(q.Private) {
		return nil, ctx
	}
	patient, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	target, err := r.target(patient, p, id.Backend())
	if err != nil {
		return nil, ctx
	}
	g := glanceAt(patient, target, id)
	if g.err != nil || strayed(g.seen) || !r.same(state, r.model(g.seen, noTimeouts())) {
		return nil, context.WithValue(ctx, glanceKey{}, g)
	}
	return &tfprotov6.ReadResourceResponse{NewState: q.CurrentState, NewIdentity: identity, Private: q.Private}, ctx
}

// same reports whether a refresh that shows a model would leave the members of a
// state as they are; see Read.
func (r *managed[M, S, T]) same(state packed, m M) bool {
	return r.shapes.sameMembers(state, m, func(name string, v packed) bool {
		return name == "timeouts" || slices.Contains(r.kept, name) && !v.null() // carried over from the state
	})
}

// glance is one look at an object, for whoever asks in the same request.
type glance[S, T any] struct {
	id   mlops.ID
	seen mlops.Observed[S, T]
	err  error
}

type glanceKey struct{}

// glanceAt takes one look, unless this request has taken it.
func glanceAt[S, T any](ctx context.Context, target lifecycle.Target[S, T], id mlops.ID) glance[S, T] {
	if g, ok := ctx.Value(glanceKey{}).(glance[S, T]); ok && g.id == id {
		return g
	}
	seen, err := target.Read(ctx, id)
	return glance[S, T]{id, seen, err}
}

// plainPrivate reports whether private data are such as a refresh leaves alone: there
// are none, or none of the framework's own, whose keys begin with a dot.
func plainPrivate(private []byte) bool {
	if len(private) == 0 {
		return true
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(private, &all) != nil {
		return false
	}
	for key := range all {
		if strings.HasPrefix(key, ".") {
			return false
		}
	}
	return true
}

// identityOf is the identity of an object.
func identityOf(id mlops.ID) *tfprotov6.ResourceIdentityData {
	data := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "id"), string(id))
	return &tfprotov6.ResourceIdentityData{IdentityData: &tfprotov6.DynamicValue{MsgPack: data}}
}

// identityIn is the ID that an identity names, or "".
func identityIn(identity *tfprotov6.ResourceIdentityData) mlops.ID {
	return mlops.ID(packedOf(identity.IdentityData).member("id").words())
}
