package provider

import (
	"math/big"
	"reflect"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// shapes says where in models' structs the attributes are: by type, and attribute.
type shapes map[reflect.Type]map[string][]int

// shapesOf collects the structs of a model, and of all that is in it.
func shapesOf[M any]() shapes {
	s := shapes{}
	s.add(reflect.TypeFor[M]())
	return s
}

func (s shapes) add(t reflect.Type) {
	switch t.Kind() { //nolint:exhaustive // the others have no parts
	case reflect.Pointer, reflect.Slice, reflect.Map:
		s.add(t.Elem())
		return
	case reflect.Struct:
	default:
		return
	}
	if _, known := s[t]; known {
		return
	}
	fields := map[string][]int{}
	s[t] = fields
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("tfsdk"); name != "" && name != "-" {
			fields[name] = f.Index
			s.add(f.Type)
		}
	}
}

// sameMembers reports whether a model's object has exactly these members, but for
// those that are passed over. What it cannot compare it takes to be different.
func (s shapes) sameMembers(members map[string]tftypes.Value, model any, pass func(name string, v tftypes.Value) bool) bool {
	m := reflect.ValueOf(model)
	fields := s[m.Type()]
	for name, v := range members {
		if pass != nil && pass(name, v) {
			continue
		}
		at, ok := fields[name]
		if !ok || !s.same(v, m.FieldByIndex(at)) {
			return false
		}
	}
	return true
}

// same reports whether a Go value of a model is encoded as v.
func (s shapes) same(v tftypes.Value, m reflect.Value) bool {
	if !v.IsKnown() {
		return false
	}
	switch m.Kind() { //nolint:exhaustive // models have no others
	case reflect.Pointer, reflect.Map, reflect.Slice:
		if m.IsNil() || v.IsNull() {
			return m.IsNil() && v.IsNull()
		}
	default:
		if v.IsNull() {
			return false
		}
	}
	switch m.Kind() { //nolint:exhaustive // as above
	case reflect.Pointer:
		return s.same(v, m.Elem())
	case reflect.Map:
		return s.sameMap(v, m)
	case reflect.Slice:
		return s.sameList(v, m)
	case reflect.Struct:
		members, err := membersOf(v)
		return err == nil && v.Type().Is(tftypes.Object{}) && s.sameMembers(members, m.Interface(), nil)
	}
	return sameScalar(v, m)
}

func (s shapes) sameMap(v tftypes.Value, m reflect.Value) bool {
	var members map[string]tftypes.Value
	if !v.Type().Is(tftypes.Map{}) || v.As(&members) != nil || len(members) != m.Len() {
		return false
	}
	for key, member := range members {
		have := m.MapIndex(reflect.ValueOf(key))
		if !have.IsValid() || !s.same(member, have) {
			return false
		}
	}
	return true
}

// sameList compares in order, also sets: of a set in another order it takes no view.
func (s shapes) sameList(v tftypes.Value, m reflect.Value) bool {
	var elements []tftypes.Value
	if v.As(&elements) != nil || len(elements) != m.Len() {
		return false
	}
	for i, element := range elements {
		if !s.same(element, m.Index(i)) {
			return false
		}
	}
	return true
}

func sameScalar(v tftypes.Value, m reflect.Value) bool {
	var number big.Float
	switch m.Kind() { //nolint:exhaustive // models have no others
	case reflect.String:
		var text string
		return v.Type().Is(tftypes.String) && v.As(&text) == nil && text == m.String()
	case reflect.Bool:
		var is bool
		return v.Type().Is(tftypes.Bool) && v.As(&is) == nil && is == m.Bool()
	case reflect.Int64:
		return v.Type().Is(tftypes.Number) && v.As(&number) == nil && number.Cmp(new(big.Float).SetInt64(m.Int())) == 0
	case reflect.Float64:
		return v.Type().Is(tftypes.Number) && v.As(&number) == nil && number.Cmp(big.NewFloat(m.Float())) == 0
	}
	return false
}
