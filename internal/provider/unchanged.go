package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/defaults"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Most plans of a large stack find nothing to do, and half of the provider's
// time went into finding that out: the framework transforms each object a dozen
// times, attribute by attribute. Where the proposed state is the prior state to
// the byte and no default says otherwise, the plan is that state, and the
// framework is not asked. Where the object is of bytes that lie elsewhere, one look
// at these decides, the same that the framework's path takes.

// calm is a resource that can tell when there is nothing to plan.
type calm interface {
	// unchanged answers a request for a plan, or returns nil, where there may be
	// something to plan or to report, and the context to ask the framework with.
	unchanged(ctx context.Context, p *platforms, q *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, context.Context)
}

// unchanged implements calm. Objects whose secrets may have changed are never
// calm; see uneventful.
func (r *managed[M, S, T]) unchanged(ctx context.Context, p *platforms, q *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, context.Context) {
	if !sameBytes(q.PriorState, q.ProposedNewState) {
		return nil, ctx
	}
	state, config := packedOf(q.PriorState), packedOf(q.Config)
	given := func(attribute string) bool { return !state.member(attribute).null() }
	if state.size() != len(r.wire.AttributeTypes) || !r.defaults.hold(config, state) || given(problem) || !r.uneventful(p, given) {
		return nil, ctx
	}
	id := mlops.ID(state.member("id").words())
	private, err := withHeld(q.PriorPrivate, id)
	if err != nil || id == "" || !p.claims.hold(id) {
		return nil, ctx
	}
	if stays, seen := r.outsideStays(ctx, p, config, state); !stays {
		return nil, seen
	}
	return &tfprotov6.PlanResourceChangeResponse{PlannedState: q.PriorState, PlannedPrivate: private, PlannedIdentity: q.PriorIdentity}, ctx
}

// uneventful reports whether an object that is asked for as it is can need
// nothing but for bytes that it names. Given says which attributes its state has.
func (r *managed[M, S, T]) uneventful(p *platforms, given func(attribute string) bool) bool {
	guards := slices.ContainsFunc(r.guarded, given)
	return !guards && (r.consider == nil || p.prospects.none())
}

// sameBytes reports whether two values are encoded alike, and at all.
func sameBytes(a, b *tfprotov6.DynamicValue) bool {
	return a != nil && b != nil && len(a.MsgPack) > 0 && bytes.Equal(a.MsgPack, b.MsgPack)
}

// withHeld adds the note on the prior object's ID to private data, in the
// framework's form: see heldKey.
func withHeld(private []byte, id mlops.ID) ([]byte, error) {
	all := map[string][]byte{}
	if len(private) > 0 {
		if err := json.Unmarshal(private, &all); err != nil {
			return nil, err
		}
	}
	note, err := json.Marshal(id)
	if err != nil {
		return nil, err
	}
	all[heldKey] = note
	return json.Marshal(all)
}

// defaultTree holds the defaults of a schema, and of its nested objects, with no
// branch that has none. A nil tree has none at all.
type defaultTree struct {
	value   *reflect.Value          // of an attribute
	members map[string]*defaultTree // of an object
	each    *defaultTree            // of each object of a map
}

// hold reports whether every attribute that the configuration leaves to its
// default has that value in the state.
func (d *defaultTree) hold(config, state packed) bool {
	switch {
	case d == nil:
		return true
	case d.value != nil:
		return !config.null() || sameScalar(state, *d.value)
	case config.null() || state.null():
		return true
	case d.each == nil:
		return d.holdAll(config, state)
	}
	return config.eachMember(func(key []byte, asked packed) bool {
		return asked.known() && d.each.hold(asked, state.member(string(key)))
	})
}

func (d *defaultTree) holdAll(config, state packed) bool {
	for name, below := range d.members {
		if !below.hold(config.member(name), state.member(name)) {
			return false
		}
	}
	return config.known() && state.known()
}

// defaultsOf collects the defaults of attributes.
func defaultsOf(ctx context.Context, all attributes) *defaultTree {
	members := map[string]*defaultTree{}
	for name, a := range all {
		members[name] = defaultOf(ctx, a)
	}
	maps.DeleteFunc(members, func(_ string, d *defaultTree) bool { return d == nil })
	if len(members) == 0 {
		return nil
	}
	return &defaultTree{members: members}
}

func defaultOf(ctx context.Context, a schema.Attribute) *defaultTree {
	leaf := func(v any) *defaultTree {
		value := reflect.ValueOf(v)
		return &defaultTree{value: &value}
	}
	switch a := a.(type) {
	case schema.SingleNestedAttribute:
		return defaultsOf(ctx, a.Attributes)
	case schema.MapNestedAttribute:
		if each := defaultsOf(ctx, a.NestedObject.Attributes); each != nil {
			return &defaultTree{each: each}
		}
	case schema.StringAttribute:
		if a.Default != nil {
			var resp defaults.StringResponse
			a.Default.DefaultString(ctx, defaults.StringRequest{}, &resp)
			return leaf(resp.PlanValue.ValueString())
		}
	case schema.BoolAttribute:
		if a.Default != nil {
			var resp defaults.BoolResponse
			a.Default.DefaultBool(ctx, defaults.BoolRequest{}, &resp)
			return leaf(resp.PlanValue.ValueBool())
		}
	case schema.Int64Attribute:
		if a.Default != nil {
			var resp defaults.Int64Response
			a.Default.DefaultInt64(ctx, defaults.Int64Request{}, &resp)
			return leaf(resp.PlanValue.ValueInt64())
		}
	}
	return nil
}
