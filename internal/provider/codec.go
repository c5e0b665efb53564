package provider

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// codec turns a resource's Terraform object into its model and back.
type codec[M any] struct {
	full schema.Schema
	core schema.Schema // full without the backends' own objects, which no Go type can have as fields
	own  []string      // names of those objects
}

// targeting is what a model embeds that has the backends' own objects: their
// settings, by backend. An object that is null is absent.
type targeting struct {
	Targets map[string]mlops.Settings `tfsdk:"-"`
}

func (t *targeting) targets() *targeting { return t }

// targeted is a model that embeds targeting.
type targeted interface{ targets() *targeting }

func newCodec[M any](full schema.Schema, own []string) codec[M] {
	core := full
	core.Attributes = maps.Clone(full.Attributes)
	for _, name := range own {
		delete(core.Attributes, name)
	}
	return codec[M]{full: full, core: core, own: own}
}

// decode returns the model of an object, and the paths of values that are not
// known; those are nil in the model.
func (c codec[M]) decode(ctx context.Context, raw tftypes.Value) (M, []mlops.Path, diag.Diagnostics) {
	var m M
	var b blanks
	known, err := b.fill(raw)
	if err != nil {
		return m, nil, internalError(err)
	}
	members, err := membersOf(known)
	if err != nil {
		return m, nil, internalError(err)
	}
	own := map[string]mlops.Settings{}
	for _, name := range c.own {
		if !members[name].IsNull() {
			own[name] = settingsOf(members[name])
		}
		delete(members, name)
	}
	state := tfsdk.State{Schema: c.core, Raw: tftypes.NewValue(terraformType(ctx, c.core), members)}
	diags := state.Get(ctx, &m)
	if t, ok := any(&m).(targeted); ok {
		t.targets().Targets = own
	}
	return m, b.paths, diags
}

// encode returns the object of a model.
func (c codec[M]) encode(ctx context.Context, m M) (tftypes.Value, diag.Diagnostics) {
	state := tfsdk.State{Schema: c.core, Raw: tftypes.NewValue(terraformType(ctx, c.core), nil)}
	if diags := state.Set(ctx, m); diags.HasError() {
		return state.Raw, diags
	}
	t, hasTargets := any(&m).(targeted)
	if !hasTargets {
		return state.Raw, nil
	}
	members, err := membersOf(state.Raw)
	if err != nil {
		return state.Raw, internalError(err)
	}
	full := terraformType(ctx, c.full)
	for _, name := range c.own {
		members[name] = settingsValue(full.AttributeTypes[name], t.targets().Targets[name])
	}
	return tftypes.NewValue(full, members), nil
}

func terraformType(ctx context.Context, s schema.Schema) tftypes.Object {
	t, _ := s.Type().TerraformType(ctx).(tftypes.Object)
	return t
}

// membersOf takes an object apart. A null object has no members.
func membersOf(v tftypes.Value) (map[string]tftypes.Value, error) {
	members := map[string]tftypes.Value{}
	if v.IsNull() || !v.IsKnown() {
		return members, nil
	}
	err := v.As(&members)
	return members, err
}
