package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// readPatience bounds one look at the platform, so that a refresh never hangs.
const readPatience = 2 * time.Minute

// managed is the generic resource: one definition, and the platforms once the
// provider is configured.
type managed[M any, S specification, T any] struct {
	*definition[M, S, T]

	*prepared[M]

	platforms *platforms // nil during validate
}

// newResource returns the constructor that the framework calls for each
// request. The schema is built once.
func newResource[M any, S specification, T any](ctx context.Context, d *definition[M, S, T]) func() resource.Resource {
	full := d.schema(ctx)
	p := &prepared[M]{
		full: full, codec: newCodec[M](full, d.own),
		wire: terraformType(ctx, full), defaults: defaultsOf(ctx, full.Attributes), shapes: shapesOf[M](),
	}
	return func() resource.Resource {
		return &managed[M, S, T]{definition: d, prepared: p}
	}
}

// prepared is what follows from a definition, once and for all requests.
type prepared[M any] struct {
	full     schema.Schema
	codec    codec[M]
	wire     tftypes.Object // type of full
	defaults *defaultTree   // of full
	shapes   shapes         // of M
}

// Metadata implements resource.Resource.
func (r *managed[M, S, T]) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = typeName + "_" + string(r.noun)
	resp.ResourceBehavior.MutableIdentity = r.successive
}

// Schema implements resource.Resource.
func (r *managed[M, S, T]) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = r.full
}

// IdentitySchema implements resource.ResourceWithIdentity.
func (r *managed[M, S, T]) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"id": identityschema.StringAttribute{RequiredForImport: true, Description: "The ID, such as " + exampleID(r.noun) + "."},
	}}
}

// Configure implements resource.ResourceWithConfigure.
func (r *managed[M, S, T]) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	r.platforms, _ = req.ProviderData.(*platforms)
}

// Create implements resource.Resource.
func (r *managed[M, S, T]) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	m, spec, target, ok := r.begin(ctx, req.Config.Raw, &resp.Diagnostics)
	r.mark(&spec, req.Plan.Raw, &resp.Diagnostics)
	if !ok {
		return
	}
	t := commonOf(&m).Timeouts
	limit, diags := t.Create(ctx, r.patience.create)
	resp.Diagnostics.Append(diags...)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	write := func(seen mlops.Observed[S, T]) {
		r.write(ctx, r.model(seen, t), &resp.State, resp.Identity, &resp.Diagnostics)
		r.keep(req.Plan.Raw, &resp.State, &resp.Diagnostics)
	}
	var ref mlops.ID
	taken := false // by another resource of this apply
	seen, err := target.Create(ctx, spec, func(c mlops.Change) {
		if ref == "" && r.successive {
			taken = !r.platforms.claims.create(c.Ref)
		}
		ref = c.Ref
		if !taken {
			write(mlops.Observed[S, T]{Ref: ref, Spec: spec})
		}
	})
	if taken {
		resp.Diagnostics.Append(shared(ref))
		return
	}
	if seen.Ref != "" {
		write(seen)
	}
	r.fail(ctx, err, &resp.Diagnostics)
}

// shared is for objects whose ID is known by what goes into them, and two
// resources that ask for the same.
func shared(id mlops.ID) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Already managed by this configuration",
		"Another resource of this configuration asks for exactly the same, and has \""+string(id)+"\".\n\n"+
			"Refer to that resource, or tell this one apart: a run by a trigger, a version by its bytes.")
}

// Read implements resource.Resource.
func (r *managed[M, S, T]) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()

	// Not decoded: a refresh of thousands needs no more of each than this.
	prior, err := membersOf(req.State.Raw)
	if err != nil {
		resp.Diagnostics.Append(internalError(err)...)
		return
	}
	id := mlops.ID(textOf(prior["id"]))
	target, err := r.target(ctx, r.platforms, id.Backend())
	if err != nil {
		r.fail(ctx, err, &resp.Diagnostics)
		return
	}
	g := glanceAt(ctx, target, id)
	switch seen, err := g.seen, g.err; {
	case mlops.CodeOf(err) == mlops.NotFound:
		resp.State.RemoveResource(ctx)
		r.identify(ctx, id, resp.Identity, &resp.Diagnostics) // even what is gone must have one
	case err != nil:
		r.fail(ctx, err, &resp.Diagnostics)
	default:
		resp.Diagnostics.Append(behind(r.noun, seen)...)
		r.write(ctx, r.model(seen, noTimeouts()), &resp.State, resp.Identity, &resp.Diagnostics)
		resp.Diagnostics.Append(keepMember(&resp.State, "timeouts", prior["timeouts"])...)
		r.keep(req.State.Raw, &resp.State, &resp.Diagnostics)
	}
}

// keep carries the attributes over that no platform keeps.
func (r *managed[M, S, T]) keep(from tftypes.Value, state *tfsdk.State, diags *diag.Diagnostics) {
	if len(r.kept) == 0 {
		return
	}
	members, err := membersOf(from)
	if err != nil {
		diags.Append(internalError(err)...)
		return
	}
	for _, name := range r.kept {
		diags.Append(keepMember(state, name, members[name])...)
	}
}

// keepMember sets one member of a state's object.
func keepMember(state *tfsdk.State, name string, v tftypes.Value) diag.Diagnostics {
	members, err := membersOf(state.Raw)
	if err != nil {
		return internalError(err)
	}
	if v.IsNull() || len(members) == 0 {
		return nil
	}
	members[name] = v
	state.Raw = tftypes.NewValue(state.Raw.Type(), members)
	return nil
}

// Update implements resource.Resource.
//
// After a failure the state has what is in force, so that the next plan shows
// the difference again: the spec that the platform went back to, or, where a
// change makes a successor, the former object.
func (r *managed[M, S, T]) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	m, spec, target, ok := r.begin(ctx, req.Config.Raw, &resp.Diagnostics)
	prior, _, diags := r.codec.decode(ctx, req.State.Raw)
	resp.Diagnostics.Append(diags...)
	if !ok || diags.HasError() {
		return
	}
	id, t := idOf(commonOf(&prior).ID), commonOf(&m).Timeouts
	brought := r.mark(&spec, req.Plan.Raw, &resp.Diagnostics)
	if r.follow != nil {
		r.follow(&spec, id)
	}
	limit, diags := t.Update(ctx, r.patience.update)
	resp.Diagnostics.Append(diags...)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	seen, err := target.Update(ctx, id, spec, func(mlops.Change) {})
	if err == nil || seen.Ref != "" && !r.successive {
		r.write(ctx, r.model(seen, t), &resp.State, resp.Identity, &resp.Diagnostics)
		r.keep(req.Plan.Raw, &resp.State, &resp.Diagnostics)
	}
	if err == nil && !brought && r.secrets != nil {
		resp.Diagnostics.Append(noteImported(ctx, resp.Private, false)...)
	}
	r.fail(ctx, err, &resp.Diagnostics)
}

// Delete implements resource.Resource.
func (r *managed[M, S, T]) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	m, _, diags := r.codec.decode(ctx, req.State.Raw)
	resp.Diagnostics.Append(diags...)
	if diags.HasError() || r.refuseDelete(m, &resp.Diagnostics) {
		return
	}
	c := commonOf(&m)
	limit, diags := c.Timeouts.Delete(ctx, r.patience.remove)
	resp.Diagnostics.Append(diags...)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	target, err := r.target(ctx, r.platforms, idOf(c.ID).Backend())
	if err == nil {
		err = target.Delete(ctx, idOf(c.ID))
	}
	r.fail(ctx, err, &resp.Diagnostics)
}

// ImportState implements resource.ResourceWithImportState.
func (r *managed[M, S, T]) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughWithIdentity(ctx, path.Root("id"), path.Root("id"), req, resp)
	if resp.Diagnostics.HasError() {
		return
	}
	var id string
	resp.Diagnostics.Append(resp.State.GetAttribute(ctx, path.Root("id"), &id)...)
	if _, err := mlops.ID(id).ParseAs(r.object()); err != nil {
		resp.Diagnostics.AddError("Not the ID of "+r.noun.One(),
			err.Error()+".\n\nThe ID of "+r.noun.One()+" looks like \""+exampleID(r.noun)+"\".")
	}
	if r.secrets != nil {
		resp.Diagnostics.Append(noteImported(ctx, resp.Private, true)...)
	}
}

// begin reads what the configuration asks for, checks it once more now that all
// is known, and opens the backend.
func (r *managed[M, S, T]) begin(ctx context.Context, config tftypes.Value, diags *diag.Diagnostics) (M, S, lifecycle.Target[S, T], bool) {
	var target lifecycle.Target[S, T]
	a := r.ask(ctx, config, diags)
	if diags.HasError() {
		return a.model, a.spec, target, false
	}
	c := mlops.NewChecker(a.unknown...)
	r.verify(c, a)
	report(ctx, r.full, c.Problems(), diags)
	if diags.HasError() {
		return a.model, a.spec, target, false
	}
	target, err := r.target(ctx, r.platforms, a.backend)
	r.fail(ctx, err, diags)
	return a.model, a.spec, target, err == nil
}

// write sets state and identity.
func (r *managed[M, S, T]) write(ctx context.Context, m M, state *tfsdk.State, identity *tfsdk.ResourceIdentity, diags *diag.Diagnostics) {
	raw, encodeDiags := r.codec.encode(ctx, m)
	diags.Append(encodeDiags...)
	if encodeDiags.HasError() {
		return
	}
	state.Raw = raw
	r.identify(ctx, idOf(commonOf(&m).ID), identity, diags)
}

func (r *managed[M, S, T]) identify(ctx context.Context, id mlops.ID, identity *tfsdk.ResourceIdentity, diags *diag.Diagnostics) {
	if identity != nil {
		diags.Append(identity.SetAttribute(ctx, path.Root("id"), string(id))...)
	}
}

func (r *managed[M, S, T]) fail(ctx context.Context, err error, diags *diag.Diagnostics) {
	if err != nil {
		diags.Append(explain(ctx, r.full, err))
	}
}

// refuseDelete reports an object that must not be deleted.
func (r *managed[M, S, T]) refuseDelete(m M, diags *diag.Diagnostics) bool {
	if r.protected == nil || !r.protected(m) {
		return false
	}
	diags.AddAttributeError(path.Root("deletion_protection"), "Protected against deletion",
		"The "+r.noun.Words()+" \""+valueOf(commonOf(&m).ID)+"\" has deletion_protection, and this would delete it.\n\n"+
			"To delete it, set deletion_protection to false and apply that first.")
	return true
}
