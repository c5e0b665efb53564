package provider

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// heldKey is where a plan for an existing object notes its ID, so that the plan
// for its replacement, which starts from nothing, is known for what it is.
const heldKey = "held"

// ModifyPlan implements resource.ResourceWithModifyPlan.
func (r *managed[M, S, T]) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if r.platforms == nil {
		return
	}
	if req.Plan.Raw.IsNull() {
		r.planDelete(ctx, req, resp)
		return
	}
	p, ok := r.propose(ctx, req, resp)
	if !ok || p.same {
		return
	}
	c := mlops.NewChecker(p.asked.unknown...)
	r.verify(c, p.asked)
	if r.consider != nil && p.asked.backend != "" {
		r.consider(ctx, r.platforms, c, p)
	}
	report(ctx, r.full, c.Problems(), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if r.note != nil {
		r.note(r.platforms.prospects, c, p)
	}
	if !p.exists || r.settled == nil || !r.settled(p.before, p.asked.spec) {
		r.preflight(ctx, p.asked, &resp.Diagnostics)
	}
	resp.RequiresReplace = r.replacing(p)
	r.planComputed(ctx, c, p, len(resp.RequiresReplace) > 0, &resp.Diagnostics)
	if len(resp.RequiresReplace) > 0 {
		r.refuseDelete(p.prior, &resp.Diagnostics)
	}
	resp.Plan.Raw = tftypes.NewValue(req.Plan.Raw.Type(), p.plan)
}

func (r *managed[M, S, T]) planDelete(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	m, _, diags := r.codec.decode(ctx, req.State.Raw)
	resp.Diagnostics.Append(diags...)
	if diags.HasError() || r.refuseDelete(m, &resp.Diagnostics) {
		return
	}
	if id := idOf(commonOf(&m).ID); !r.platforms.claims.hold(id) {
		resp.Diagnostics.Append(claimed(id))
	}
}

// proposal is one planned change.
type proposal[M, S any] struct {
	asked  asked[M, S]
	exists bool // there is a prior object
	same   bool // nothing to decide: the plan is the state
	id     mlops.ID
	held   mlops.ID // ID of the prior object
	prior  M
	before S // spec of the prior object

	config, plan, state map[string]tftypes.Value
}

// had reports whether the prior object has an attribute.
func (p proposal[M, S]) had(attribute string) bool { return !p.state[attribute].IsNull() }

// stays reports whether nothing but the object's surroundings can change.
func (p proposal[M, S]) stays() bool {
	return p.exists && len(p.asked.unknown) == 0 && mlops.DigestOf(p.before) == mlops.DigestOf(p.asked.bare)
}

// propose reads a plan and claims its ID.
func (r *managed[M, S, T]) propose(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) (proposal[M, S], bool) {
	var p proposal[M, S]
	p.exists = !req.State.Raw.IsNull()
	for from, to := range map[*tftypes.Value]*map[string]tftypes.Value{&req.Config.Raw: &p.config, &req.Plan.Raw: &p.plan, &req.State.Raw: &p.state} {
		members, err := membersOf(*from)
		if err != nil {
			resp.Diagnostics.Append(internalError(err)...)
			return p, false
		}
		*to = members
	}
	if p.exists {
		p.held = mlops.ID(textOf(p.state["id"]))
	}
	calm := p.exists && !ails(p.state) && r.uneventful(r.platforms, p.had) && req.Plan.Raw.Equal(req.State.Raw)
	if (!calm || r.outside != nil) && !r.read(ctx, req, &p, &resp.Diagnostics) {
		return p, false
	}
	p.same = calm && r.sameBytes(ctx, p, &resp.Diagnostics)
	r.claim(ctx, p, req, resp)
	return p, !resp.Diagnostics.HasError()
}

// read decodes what is asked for and what is there.
func (r *managed[M, S, T]) read(ctx context.Context, req resource.ModifyPlanRequest, p *proposal[M, S], diags *diag.Diagnostics) bool {
	p.asked = r.ask(ctx, req.Config.Raw, diags)
	if p.exists && r.secrets != nil && req.Private != nil {
		brought, noteDiags := imported(ctx, req.Private)
		diags.Append(noteDiags...)
		if brought {
			r.secrets(&p.asked.spec, p.state)
		}
	}
	if r.id != nil {
		p.id = r.id(p.asked.spec)
	}
	if !p.exists || diags.HasError() {
		return !diags.HasError()
	}
	// Where the configuration is silent about what the platform fills in, the
	// prior spec was too.
	state := make(map[string]tftypes.Value, len(p.state))
	for name, v := range p.state {
		state[name] = v
		if slices.Contains(r.derived, name) && p.config[name].IsNull() {
			state[name] = tftypes.NewValue(v.Type(), nil)
		}
	}
	m, _, decodeDiags := r.codec.decode(ctx, tftypes.NewValue(req.State.Raw.Type(), state))
	diags.Append(decodeDiags...)
	p.prior, p.before = m, r.toSpec(m)
	return !diags.HasError()
}

// claim makes sure that no other resource of the configuration has the ID.
func (r *managed[M, S, T]) claim(ctx context.Context, p proposal[M, S], req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if p.exists {
		note, err := json.Marshal(p.held)
		if err == nil && resp.Private != nil {
			resp.Diagnostics.Append(resp.Private.SetKey(ctx, heldKey, note)...)
		}
		if !r.platforms.claims.hold(p.held) {
			resp.Diagnostics.Append(claimed(p.held))
		}
		return
	}
	var held mlops.ID
	if req.Private != nil {
		note, diags := req.Private.GetKey(ctx, heldKey)
		if !diags.HasError() && note != nil {
			_ = json.Unmarshal(note, &held) // what cannot be read names nothing
		}
	}
	if p.id != "" && p.id != held && !r.platforms.claims.create(p.id) {
		resp.Diagnostics.Append(claimed(p.id))
	}
}

func claimed(id mlops.ID) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Already managed by this configuration",
		"Two resources of this configuration have the ID \""+string(id)+"\", or one gives it up while another takes it.\n\n"+
			"Give one of them another name. If a resource only got another address, say so with a moved block.")
}

// replacing lists the attributes whose change needs another object.
func (r *managed[M, S, T]) replacing(p proposal[M, S]) path.Paths {
	var out path.Paths
	if !p.exists {
		return nil
	}
	for _, name := range r.identity {
		stays := p.id != "" && p.id == p.held
		if !stays && !p.plan[name].Equal(p.state[name]) {
			out = append(out, path.Root(name))
		}
	}
	for _, names := range r.replacePaths(p.asked.backend) {
		if differAt(p.plan, p.state, names) {
			out = append(out, path.Root(names[0]))
		}
	}
	return out
}

// planComputed decides which computed attributes keep their value, which are
// known already, and which the apply will tell.
func (r *managed[M, S, T]) planComputed(ctx context.Context, c *mlops.Checker, p proposal[M, S], replace bool, diags *diag.Diagnostics) {
	if p.exists && !replace {
		altered := r.altered(ctx, p, diags)
		for name, a := range r.full.Attributes {
			if !a.IsComputed() || !p.config[name].IsNull() {
				continue
			}
			switch {
			case slices.Contains(altered, name):
				p.plan[name] = tftypes.NewValue(p.plan[name].Type(), tftypes.UnknownValue)
			case !p.plan[name].IsKnown():
				p.plan[name] = p.state[name]
			}
		}
	}
	if p.id != "" {
		p.plan["id"] = tftypes.NewValue(tftypes.String, string(p.id))
	}
	r.planForetold(c, p)
}

// planForetold plans the computed attributes that follow from the spec alone.
func (r *managed[M, S, T]) planForetold(c *mlops.Checker, p proposal[M, S]) {
	if r.foretell != nil {
		for name, v := range r.foretell(c, p.asked.spec) {
			p.plan[name] = textValue(v)
		}
	}
	if r.estimate == nil {
		return
	}
	for name, v := range r.estimate(c, p.asked.spec) {
		if !p.plan[name].IsKnown() {
			p.plan[name] = v
		}
	}
}

// altered lists the computed attributes that the change may alter; none if the
// spec stays as it is. What repairs a problem may alter as much as what begins anew.
func (r *managed[M, S, T]) altered(ctx context.Context, p proposal[M, S], diags *diag.Diagnostics) []string {
	sameBytes := r.sameBytes(ctx, p, diags)
	if r.alters != nil && ails(p.state) {
		var nothing S
		return r.alters(nothing, p.asked.spec, sameBytes)
	}
	if r.alters == nil || p.stays() && sameBytes {
		return nil
	}
	return r.alters(p.before, p.asked.spec, sameBytes)
}

// textValue is a text, or null where there is none.
func textValue(s string) tftypes.Value {
	if s == "" {
		return tftypes.NewValue(tftypes.String, nil)
	}
	return tftypes.NewValue(tftypes.String, s)
}

// textOf is a string's text, or "".
func textOf(v tftypes.Value) string {
	var s string
	if v.IsNull() || !v.IsKnown() || v.As(&s) != nil {
		return ""
	}
	return s
}
