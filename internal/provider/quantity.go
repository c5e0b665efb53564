package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/attr/xattr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

var (
	_ basetypes.StringTypable                    = quantityType{}
	_ basetypes.StringValuableWithSemanticEquals = quantityValue{}
	_ xattr.ValidateableAttribute                = quantityValue{}
)

// quantityType is the type of an amount of memory: "4Gi" equals "4096Mi".
type quantityType struct{ basetypes.StringType }

// String implements attr.Type.
func (quantityType) String() string { return "quantity" }

// ValueType implements attr.Type.
func (quantityType) ValueType(context.Context) attr.Value { return quantityValue{} }

// Equal implements attr.Type.
func (t quantityType) Equal(o attr.Type) bool {
	other, ok := o.(quantityType)
	return ok && t.StringType.Equal(other.StringType)
}

// ValueFromString implements basetypes.StringTypable.
func (quantityType) ValueFromString(_ context.Context, in basetypes.StringValue) (basetypes.StringValuable, diag.Diagnostics) {
	return quantityValue{in}, nil
}

// ValueFromTerraform implements attr.Type.
func (t quantityType) ValueFromTerraform(ctx context.Context, in tftypes.Value) (attr.Value, error) {
	v, err := t.StringType.ValueFromTerraform(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("reading a quantity: %w", err)
	}
	s, ok := v.(basetypes.StringValue)
	if !ok {
		return nil, fmt.Errorf("a quantity is a string, not %T", v)
	}
	return quantityValue{s}, nil
}

// quantityValue is an amount of memory as it was written.
type quantityValue struct{ basetypes.StringValue }

// Type implements attr.Value.
func (quantityValue) Type(context.Context) attr.Type { return quantityType{} }

// Equal implements attr.Value.
func (v quantityValue) Equal(o attr.Value) bool {
	other, ok := o.(quantityValue)
	return ok && v.StringValue.Equal(other.StringValue)
}

// StringSemanticEquals implements basetypes.StringValuableWithSemanticEquals.
func (v quantityValue) StringSemanticEquals(_ context.Context, o basetypes.StringValuable) (bool, diag.Diagnostics) {
	other, ok := o.(quantityValue)
	return ok && sameQuantity(v.ValueString(), other.ValueString()), nil
}

// ValidateAttribute implements xattr.ValidateableAttribute.
func (v quantityValue) ValidateAttribute(_ context.Context, req xattr.ValidateAttributeRequest, resp *xattr.ValidateAttributeResponse) {
	if v.IsNull() || v.IsUnknown() {
		return
	}
	if _, err := mlops.ParseQuantity(v.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Not an amount of memory", err.Error()+".")
	}
}
