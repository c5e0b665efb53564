package provider

import (
	"context"
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/attr/xattr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Every configuration is validated twice before a plan, and nearly all are valid. The
// framework looks up each attribute by its path from the root, in data that it has
// transformed; here the same validators are asked on one way through. What is not
// wholly known, or not certainly valid, is the framework's to judge and to report.

// sound is a resource that can tell a configuration which is certainly valid.
type sound interface {
	// valid reports whether the framework would have nothing to say.
	valid(ctx context.Context, q *tfprotov6.ValidateResourceConfigRequest) bool
}

// valid implements sound. Where a rule needs the provider's settings, or a backend's
// own objects, it takes no view.
func (r *managed[M, S, T]) valid(ctx context.Context, q *tfprotov6.ValidateResourceConfigRequest) bool {
	if r.locate != nil || len(r.own) > 0 {
		return false
	}
	config := packedOf(q.Config)
	if !config.member("timeouts").null() || !r.chooses(config) || !validObject(ctx, r.full.Attributes, config) {
		return false
	}
	var m M
	if !r.shapes.fillMembers(config, reflect.ValueOf(&m).Elem()) {
		return false
	}
	c := mlops.NewChecker()
	r.verifySpec(c, r.toSpec(m))
	return len(c.Problems()) == 0
}

// chooses reports whether exactly one of the exclusive attributes is given.
func (r *managed[M, S, T]) chooses(config packed) bool {
	given := 0
	for _, name := range r.exclusive {
		if !config.member(name).null() {
			given++
		}
	}
	return len(r.exclusive) == 0 || given == 1
}

// validObject reports whether the framework certainly accepts an object.
func validObject(ctx context.Context, all attributes, object packed) bool {
	return object.size() == len(all) && object.eachMember(func(name []byte, v packed) bool {
		a, ok := all[string(name)]
		return ok && validAttribute(ctx, a, v)
	})
}

func validAttribute(ctx context.Context, a schema.Attribute, v packed) bool {
	if v.null() {
		return !a.IsRequired() // no validator minds what is not there: a test sees to it
	}
	if !v.known() || !plainlySet(a) {
		return false
	}
	switch a := a.(type) {
	case schema.SingleNestedAttribute:
		return len(a.Validators) == 0 && a.CustomType == nil && validObject(ctx, a.Attributes, v)
	case schema.MapNestedAttribute:
		return onlyNoNulls(a.Validators) && len(a.NestedObject.Validators) == 0 && a.CustomType == nil &&
			v.eachMember(func(_ []byte, entry packed) bool {
				return !entry.null() && validObject(ctx, a.NestedObject.Attributes, entry)
			})
	}
	value, ok := v.attribute(ctx, a.GetType())
	return ok && validLeaf(ctx, a, value)
}

// plainlySet reports whether an attribute is a configuration's to set, and there is
// nothing to say of it that is set.
func plainlySet(a schema.Attribute) bool {
	return (a.IsRequired() || a.IsOptional()) && !a.IsWriteOnly() && a.GetDeprecationMessage() == ""
}

// onlyNoNulls reports whether all that is asked of a map is that no entry is null.
func onlyNoNulls(validators []validator.Map) bool {
	for _, v := range validators {
		if reflect.TypeOf(v) != reflect.TypeOf(noNullEntries()[0]) {
			return false
		}
	}
	return true
}

// attribute is the value as validators have it, if all of it is known.
func (v packed) attribute(ctx context.Context, kind attr.Type) (attr.Value, bool) {
	switch kind := kind.(type) {
	case basetypes.StringType:
		text, ok := v.text()
		return types.StringValue(string(text)), ok
	case basetypes.StringTypable:
		text, ok := v.text()
		value, diags := kind.ValueFromString(ctx, types.StringValue(string(text)))
		return value, ok && len(diags) == 0
	case basetypes.BoolType:
		is, ok := v.boolean()
		return types.BoolValue(is), ok
	}
	raw, err := v.value(kind.TerraformType(ctx))
	if err != nil || !raw.IsFullyKnown() {
		return nil, false
	}
	value, err := kind.ValueFromTerraform(ctx, raw)
	return value, err == nil
}

// validLeaf asks the validators of an attribute that has no attributes of its own, and
// its type.
func validLeaf(ctx context.Context, a schema.Attribute, value attr.Value) bool {
	if own, ok := value.(xattr.ValidateableAttribute); ok {
		var resp xattr.ValidateAttributeResponse
		own.ValidateAttribute(ctx, xattr.ValidateAttributeRequest{Path: path.Empty()}, &resp)
		if len(resp.Diagnostics) > 0 {
			return false
		}
	}
	switch a := a.(type) {
	case schema.StringAttribute:
		return validText(ctx, a.Validators, value)
	case schema.BoolAttribute:
		return len(a.Validators) == 0
	case schema.Int64Attribute:
		return validInt64(ctx, a.Validators, value)
	case schema.Float64Attribute:
		return validFloat64(ctx, a.Validators, value)
	case schema.MapAttribute:
		return validMap(ctx, a.Validators, value)
	case schema.ListAttribute:
		return validList(ctx, a.Validators, value)
	case schema.SetAttribute:
		return validSet(ctx, a.Validators, value)
	}
	return false
}

func validText(ctx context.Context, validators []validator.String, v attr.Value) bool {
	custom, ok := v.(basetypes.StringValuable)
	if !ok {
		return false
	}
	text, diags := custom.ToStringValue(ctx)
	ok = len(diags) == 0
	for _, one := range validators {
		var resp validator.StringResponse
		one.ValidateString(ctx, validator.StringRequest{ConfigValue: text}, &resp)
		ok = ok && len(resp.Diagnostics) == 0
	}
	return ok
}

func validInt64(ctx context.Context, validators []validator.Int64, v attr.Value) bool {
	number, ok := v.(types.Int64)
	for _, one := range validators {
		var resp validator.Int64Response
		one.ValidateInt64(ctx, validator.Int64Request{ConfigValue: number}, &resp)
		ok = ok && len(resp.Diagnostics) == 0
	}
	return ok
}

func validFloat64(ctx context.Context, validators []validator.Float64, v attr.Value) bool {
	number, ok := v.(types.Float64)
	for _, one := range validators {
		var resp validator.Float64Response
		one.ValidateFloat64(ctx, validator.Float64Request{ConfigValue: number}, &resp)
		ok = ok && len(resp.Diagnostics) == 0
	}
	return ok
}

func validMap(ctx context.Context, validators []validator.Map, v attr.Value) bool {
	entries, ok := v.(types.Map)
	for _, one := range validators {
		var resp validator.MapResponse
		one.ValidateMap(ctx, validator.MapRequest{ConfigValue: entries}, &resp)
		ok = ok && len(resp.Diagnostics) == 0
	}
	return ok
}

func validList(ctx context.Context, validators []validator.List, v attr.Value) bool {
	elements, ok := v.(types.List)
	for _, one := range validators {
		var resp validator.ListResponse
		one.ValidateList(ctx, validator.ListRequest{ConfigValue: elements}, &resp)
		ok = ok && len(resp.Diagnostics) == 0
	}
	return ok
}

func validSet(ctx context.Context, validators []validator.Set, v attr.Value) bool {
	elements, ok := v.(types.Set)
	for _, one := range validators {
		var resp validator.SetResponse
		one.ValidateSet(ctx, validator.SetRequest{ConfigValue: elements}, &resp)
		ok = ok && len(resp.Diagnostics) == 0
	}
	return ok
}
