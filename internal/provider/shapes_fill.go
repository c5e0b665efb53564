package provider

import (
	"math/big"
	"reflect"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// fillMembers decodes an object's members, all known, into a model. It reports whether
// it could: what it does not know how to decode, it leaves to the framework. Members
// that are null stay nil.
func (s shapes) fillMembers(members map[string]tftypes.Value, m reflect.Value) bool {
	fields := s[m.Type()]
	for name, v := range members {
		if v.IsNull() {
			continue
		}
		at, ok := fields[name]
		if !ok || !s.fill(v, m.FieldByIndex(at)) {
			return false
		}
	}
	return true
}

// fill decodes a value that is neither null nor unknown.
func (s shapes) fill(v tftypes.Value, to reflect.Value) bool {
	if v.IsNull() || !v.IsKnown() {
		return false
	}
	switch to.Kind() { //nolint:exhaustive // models have no others
	case reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		return s.fill(v, to.Elem())
	case reflect.Map:
		return s.fillMap(v, to)
	case reflect.Slice:
		return s.fillList(v, to)
	case reflect.Struct:
		members, err := membersOf(v)
		return err == nil && v.Type().Is(tftypes.Object{}) && s.fillMembers(members, to)
	}
	return fillScalar(v, to)
}

func (s shapes) fillMap(v tftypes.Value, to reflect.Value) bool {
	var members map[string]tftypes.Value
	if !v.Type().Is(tftypes.Map{}) || v.As(&members) != nil {
		return false
	}
	to.Set(reflect.MakeMapWithSize(to.Type(), len(members)))
	for key, member := range members {
		entry := reflect.New(to.Type().Elem()).Elem()
		if !s.fill(member, entry) {
			return false
		}
		to.SetMapIndex(reflect.ValueOf(key), entry)
	}
	return true
}

func (s shapes) fillList(v tftypes.Value, to reflect.Value) bool {
	var elements []tftypes.Value
	if v.As(&elements) != nil {
		return false
	}
	to.Set(reflect.MakeSlice(to.Type(), len(elements), len(elements)))
	for i, element := range elements {
		if !s.fill(element, to.Index(i)) {
			return false
		}
	}
	return true
}

func fillScalar(v tftypes.Value, to reflect.Value) bool {
	var number big.Float
	switch to.Kind() { //nolint:exhaustive // as above
	case reflect.String:
		to.SetString(textOf(v))
		return v.Type().Is(tftypes.String)
	case reflect.Bool:
		var is bool
		ok := v.Type().Is(tftypes.Bool) && v.As(&is) == nil
		to.SetBool(is)
		return ok
	case reflect.Int64:
		ok := v.Type().Is(tftypes.Number) && v.As(&number) == nil
		whole, accuracy := number.Int64()
		to.SetInt(whole)
		return ok && accuracy == big.Exact
	case reflect.Float64:
		ok := v.Type().Is(tftypes.Number) && v.As(&number) == nil
		near, _ := number.Float64()
		to.SetFloat(near)
		return ok
	}
	return false
}
