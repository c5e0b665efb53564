package provider

import (
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// blanks turns a Terraform object into one that is wholly known, and remembers
// where it had to: unknown attributes become null, unknown and null elements of
// collections become empty. Plain Go types can hold the result, and rules that
// need an unknown value are kept silent by its path.
type blanks struct{ paths []mlops.Path }

// fill returns v with everything below it known.
func (b *blanks) fill(v tftypes.Value) (tftypes.Value, error) {
	return b.value(v, nil, false)
}

func (b *blanks) value(v tftypes.Value, at mlops.Path, element bool) (tftypes.Value, error) {
	switch {
	case !v.IsKnown():
		b.paths = append(b.paths, at)
		return blank(v.Type(), element), nil
	case v.IsNull():
		return blank(v.Type(), element), nil
	}
	switch t := v.Type().(type) {
	case tftypes.Object:
		return b.members(v, t, func(name string) mlops.Path { return at.With(name) }, false)
	case tftypes.Map:
		return b.members(v, t, func(key string) mlops.Path { return at.With(mlops.Key(key)) }, true)
	case tftypes.List:
		return b.elements(v, t, func(i int) mlops.Path { return at.With(i) })
	case tftypes.Set: // an element of a set has no place of its own
		return b.elements(v, t, func(int) mlops.Path { return at })
	}
	return v, nil
}

func (b *blanks) members(v tftypes.Value, t tftypes.Type, at func(string) mlops.Path, element bool) (tftypes.Value, error) {
	var in map[string]tftypes.Value
	if err := v.As(&in); err != nil {
		return v, err
	}
	out := make(map[string]tftypes.Value, len(in))
	for name, member := range in {
		filled, err := b.value(member, at(name), element)
		if err != nil {
			return v, err
		}
		out[name] = filled
	}
	return tftypes.NewValue(t, out), nil
}

func (b *blanks) elements(v tftypes.Value, t tftypes.Type, at func(int) mlops.Path) (tftypes.Value, error) {
	var in []tftypes.Value
	if err := v.As(&in); err != nil {
		return v, err
	}
	out := make([]tftypes.Value, len(in))
	for i, e := range in {
		filled, err := b.value(e, at(i), true)
		if err != nil {
			return v, err
		}
		out[i] = filled
	}
	return tftypes.NewValue(t, out), nil
}

// blank is the value that stands for one that is not there: null, or within a
// collection, where Go has no null, the empty value of its type.
func blank(t tftypes.Type, element bool) tftypes.Value {
	if !element {
		return tftypes.NewValue(t, nil)
	}
	switch t := t.(type) {
	case tftypes.Object:
		members := make(map[string]tftypes.Value, len(t.AttributeTypes))
		for name, member := range t.AttributeTypes {
			members[name] = blank(member, false)
		}
		return tftypes.NewValue(t, members)
	case tftypes.Map:
		return tftypes.NewValue(t, map[string]tftypes.Value{})
	case tftypes.List, tftypes.Set:
		return tftypes.NewValue(t, []tftypes.Value{})
	}
	switch {
	case t.Is(tftypes.String):
		return tftypes.NewValue(t, "")
	case t.Is(tftypes.Bool):
		return tftypes.NewValue(t, false)
	default:
		return tftypes.NewValue(t, 0)
	}
}
